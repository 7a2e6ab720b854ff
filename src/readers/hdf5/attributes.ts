/**
 * Attributes as JSON, in the way of xarray and netCDF4-python: one element is a value, several are a list, text is
 * text.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { Attribute } from "./attribute-message.ts";
import { pointCount } from "./dataspace.ts";
import { type ElementContext, elementReader } from "./element-value.ts";
import { isHiddenAttribute } from "./netcdf4/conventions.ts";
import type { GraphObject } from "./object-graph.ts";

export interface AttributeValues {
  readonly values: JsonObject;
  /** What could not be read, in words. */
  readonly notes: readonly string[];
}

/** The attributes of an object without those that belong to the format. */
export function attributeValues(object: GraphObject): AttributeValues {
  const { heap, paths } = object.in;
  const context: ElementContext = { heap, pathOf: (address) => paths.get(address), keepBlanks: true };
  const entries: [string, JsonValue][] = [];
  const notes: string[] = [];
  for (const attribute of object.attributes) {
    if (attribute instanceof MoraineError) {
      notes.push(`${attribute.message}; it is left out`);
      continue;
    }
    if (isHiddenAttribute(object, attribute.name)) continue;
    try {
      entries.push([attribute.name, attributeValue(attribute, context)]);
    } catch (error) {
      if (!(error instanceof MoraineError)) throw error;
      notes.push(`attribute "${attribute.name}": ${error.message}; it is left out`);
    }
  }
  return { values: Object.fromEntries(entries), notes };
}

function attributeValue({ datatype, dataspace, data }: Attribute, context: ElementContext): JsonValue {
  const isText = datatype.class === "string" || datatype.class === "variable-string";
  if (dataspace.kind === "null") return isText ? "" : [];
  const read = elementReader(datatype, context);
  const count = pointCount(dataspace);
  // As in netCDF, an attribute has one dimension.
  return count === 1 ? read(data, 0) : Array.from({ length: count }, (_, i) => read(data, i * datatype.size));
}
