/**
 * References of many arrays by key, as Kerchunk has them: a Zarr store whose chunks lie elsewhere.
 *
 * @module
 */

import { decodeBase64 } from "../../binary/base64.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { generateReferences, Templates } from "./templates.ts";

/** Where the value of a key is. */
export type Reference =
  | { readonly kind: "inline"; readonly bytes: Uint8Array }
  | { readonly kind: "range"; readonly url: string; readonly offset: number; readonly length: number }
  /** A whole object, whose size is not said. */
  | { readonly kind: "object"; readonly url: string };

const UTF8 = new TextEncoder();
const DOCUMENT = /(^|\/)(\.zgroup|\.zarray|\.zattrs|\.zmetadata|zarr\.json)$/;

/** The documents of a reference set, and all other references one by one. */
export interface ReferenceSet {
  /** Metadata documents by key. */
  readonly documents: ReadonlyMap<string, JsonValue>;
  /** The references to chunks; an error, `InvalidMetadata`, in place of one that is none. */
  chunks(): Iterable<readonly [key: string, reference: Reference | MoraineError]>;
}

/**
 * A Kerchunk JSON document, version 0 (the references themselves) or 1 (with templates and generators).
 *
 * Errors: `InvalidMetadata`, `UnsupportedVersion`.
 */
export function parseReferenceSet(json: JsonValue): ReferenceSet {
  if (!isJsonObject(json)) throw new MoraineError("InvalidMetadata", "a set of references is an object");
  const isFirst = isJsonObject(json["refs"]) || isJsonArray(json["gen"]);
  const version = json["version"];
  if (isFirst && version !== undefined && Number(version) !== 1) {
    throw new MoraineError("UnsupportedVersion", `references of version ${String(version)}`);
  }
  const given = isFirst ? (json["refs"] ?? {}) : json;
  const refs: JsonObject = isJsonObject(given) ? given : {};
  const templates = new Templates(isFirst ? json["templates"] : undefined);
  const documents = new Map<string, JsonValue>();
  for (const key of Object.keys(refs)) {
    if (DOCUMENT.test(key)) documents.set(key, documentOf(refs[key], key));
  }
  addConsolidated(documents);
  return {
    documents,
    *chunks() {
      for (const key of Object.keys(refs)) {
        if (DOCUMENT.test(key)) continue;
        const reference = checkedReference(refs[key], key, templates);
        if (reference) yield [key, reference];
      }
      if (!isFirst) return;
      for (const { key, url, range } of generateReferences(json["gen"], templates)) {
        yield [key, range ? { kind: "range", url, ...range } : { kind: "object", url }];
      }
    },
  };
}

/** Whether text begins a set of references. */
export function looksLikeReferences(head: string): boolean {
  if (!/^\s*\{/.test(head) || head.includes('"zarr_consolidated_format"')) return false;
  return (
    /"(refs|gen)"\s*:\s*[[{]/.test(head) || /"([^"]*\/)?(\.z(group|array|attrs)|zarr\.json)"\s*:/.test(head)
  );
}

/** Documents that only the consolidated metadata have. */
function addConsolidated(documents: Map<string, JsonValue>): void {
  for (const [key, document] of [...documents]) {
    if (!key.endsWith(".zmetadata")) continue;
    const metadata = isJsonObject(document) ? document["metadata"] : undefined;
    if (!isJsonObject(metadata)) continue;
    const prefix = key.slice(0, -".zmetadata".length);
    for (const [below, own] of Object.entries(metadata)) {
      if (!documents.has(prefix + below)) documents.set(prefix + below, own);
    }
  }
}

function documentOf(value: JsonValue | undefined, key: string): JsonValue {
  if (isJsonObject(value)) return value;
  if (typeof value !== "string") {
    throw new MoraineError("UnsupportedLayout", "metadata must stand in the references themselves", {
      path: key,
    });
  }
  return parseJson(inlineBytes(value, key));
}

function checkedReference(
  value: JsonValue | undefined,
  key: string,
  templates: Templates,
): Reference | MoraineError | undefined {
  try {
    return referenceOf(value, key, templates);
  } catch (error) {
    if (isMoraineError(error)) return error;
    throw error;
  }
}

function referenceOf(value: JsonValue | undefined, key: string, templates: Templates): Reference | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string") return { kind: "inline", bytes: inlineBytes(value, key) };
  if (isJsonArray(value) && typeof value[0] === "string") {
    const [, offset, length] = value;
    const url = templates.render(value[0]);
    if (value.length === 1) return { kind: "object", url };
    if (value.length === 3 && isPlace(offset) && isPlace(length))
      return { kind: "range", url, offset, length };
  }
  throw new MoraineError("InvalidMetadata", "neither data nor a reference", { path: key });
}

function isPlace(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function inlineBytes(text: string, key: string): Uint8Array {
  if (!text.startsWith("base64:")) return UTF8.encode(text);
  const bytes = decodeBase64(text.slice(7).replaceAll(/\s/g, ""));
  if (bytes === undefined) throw new MoraineError("InvalidMetadata", "data that is no base64", { path: key });
  return bytes;
}
