/**
 * The elements `Attribute` of groups and variables as JSON.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";
import type { Element } from "./document.ts";
import { isText, numberName, parseNumber } from "./values.ts";

/** Containers that hold the attributes of the whole file, as some programs write them. */
const GLOBAL = new Set(["HDF5_GLOBAL", "NC_GLOBAL"]);
/** What the program that made the document says of itself. */
const OF_THE_PROGRAM = "build_dmrpp_metadata";
/** Attributes that belong to NetCDF-4's way of using HDF5, not to the data. */
const HIDDEN = new Set([
  "_NCProperties",
  "_nc3_strict",
  "_Netcdf4Dimid",
  "_Netcdf4Coordinates",
  "DIMENSION_LIST",
  "REFERENCE_LIST",
]);

export interface ParsedAttributes {
  readonly attributes: JsonObject;
  readonly notes: readonly string[];
}

/** The attributes of an element: one value as it is, several as a list; what has no form in JSON is noted. */
export function attributesOf(element: Element): ParsedAttributes {
  const entries: [string, JsonValue][] = [];
  const notes: string[] = [];
  const add = (attribute: Element): void => {
    const name = attribute.attributes.get("name") ?? "";
    const type = attribute.attributes.get("type") ?? "String";
    if (attribute.name !== "Attribute" || HIDDEN.has(name)) return;
    if (type === "Container") {
      if (GLOBAL.has(name)) attribute.children.forEach(add);
      else if (name !== OF_THE_PROGRAM) notes.push(`the attribute ${name} holds attributes itself: left out`);
      return;
    }
    const value = valueIn(attribute, type);
    if (value === undefined) notes.push(`the attribute ${name} is no ${type}: left out`);
    else entries.push([name, value]);
  };
  element.children.forEach(add);
  const attributes = Object.fromEntries(entries);
  if (attributes["CLASS"] === "DIMENSION_SCALE") {
    const { CLASS: _, NAME: __, ...others } = attributes;
    return { attributes: others, notes };
  }
  return { attributes, notes };
}

function valueIn({ children }: Element, type: string): JsonValue | undefined {
  const number = numberName(type);
  if (number === undefined && !isText(type)) return undefined;
  const texts = children
    .filter(({ name }) => name === "Value")
    .map(({ attributes, text }) => attributes.get("value") ?? text);
  if (number === undefined) return texts.length === 1 ? (texts[0] ?? "") : texts.length === 0 ? "" : texts;
  try {
    const values = texts.map((text) => parseNumber(text, number));
    return values.length === 1 ? (values[0] ?? null) : values;
  } catch (error) {
    if (isMoraineError(error)) return undefined;
    throw error;
  }
}
