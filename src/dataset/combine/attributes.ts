/**
 * Attributes of many groups or arrays as one set.
 *
 * @module
 */

import { type JsonObject, type JsonValue, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { AttributeRule } from "./options.ts";

/**
 * Merges attributes by a rule.
 *
 * Errors: `Incompatible` where the rule is `"identical"` and they are not.
 *
 * @param path of the node, for messages
 */
export function mergeAttributes(
  all: readonly { readonly source: string; readonly attributes: JsonObject }[],
  rule: AttributeRule,
  path: string,
): JsonObject {
  const [first] = all;
  if (first === undefined) return {};
  if (rule === "override") return first.attributes;
  const keys = new Set(all.flatMap(({ attributes }) => Object.keys(attributes)));
  const merged: [string, JsonValue][] = [];
  for (const key of keys) {
    const holders = all.filter(({ attributes }) => attributes[key] !== undefined);
    const [holder] = holders;
    const value = holder?.attributes[key];
    if (holder === undefined || value === undefined) continue;
    const text = stringifyJson(value);
    const other = holders.find(({ attributes }) => stringifyJson(attributes[key] ?? null) !== text);
    if (other === undefined && (rule === "drop-conflicts" || holders.length === all.length)) {
      merged.push([key, value]);
    } else if (rule === "identical") {
      throw new MoraineError(
        "Incompatible",
        `the attribute ${key} differs between ${holder.source} and ${(other ?? all.find(({ attributes }) => attributes[key] === undefined))?.source}`,
        { path },
      );
    }
  }
  return Object.fromEntries(merged);
}
