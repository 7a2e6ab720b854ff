/**
 * The attributes by which netCDF-C keeps its dimensions in an HDF5 file (NetCDF Users Guide, "Format
 * Specification for NetCDF-4"; HDF5 Dimension Scale Specification).
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import type { Attribute } from "../attribute-message.ts";
import { elementReader } from "../element-value.ts";
import type { GraphObject } from "../object-graph.ts";
import { referencedAddress } from "../reference.ts";

/** Stands before the name of a variable that has the name of a dimension without being its coordinate. */
const NON_COORDINATE = "_nc4_non_coord_";
const WITHOUT_VARIABLE = "This is a netCDF dimension but not a netCDF variable.";

/** The attribute of this name, where there is one that can be read. */
function attributeOf(object: GraphObject, name: string): Attribute | undefined {
  for (const attribute of object.attributes) {
    if (!(attribute instanceof MoraineError) && attribute.name === name) return attribute;
  }
  return undefined;
}

function textOf(object: GraphObject, name: string): string | undefined {
  const attribute = attributeOf(object, name);
  const kind = attribute?.datatype.class;
  if (!attribute || (kind !== "string" && kind !== "variable-string") || attribute.data.length === 0) {
    return undefined;
  }
  const { heap } = object.in;
  const value = elementReader(attribute.datatype, { heap, pathOf: () => undefined })(attribute.data, 0);
  return typeof value === "string" ? value : undefined;
}

/** Whether a dataset is a dimension scale. */
export function isScale(object: GraphObject): boolean {
  return textOf(object, "CLASS") === "DIMENSION_SCALE";
}

/** Whether a dimension scale stands for a dimension alone, without values of its own. */
export function isDimensionOnly(object: GraphObject): boolean {
  return isScale(object) && (textOf(object, "NAME")?.startsWith(WITHOUT_VARIABLE) ?? false);
}

/** The number of its dimension that a scale was given; undefined where it has none. */
export function dimensionId(scale: GraphObject): number | undefined {
  return integersOf(scale, "_Netcdf4Dimid")[0];
}

/** The numbers of a variable's dimensions, where they are kept; empty where not. */
export function coordinateIds(object: GraphObject): number[] {
  return integersOf(object, "_Netcdf4Coordinates");
}

function integersOf(object: GraphObject, name: string): number[] {
  const attribute = attributeOf(object, name);
  if (attribute?.datatype.class !== "integer") return [];
  const { datatype, data } = attribute;
  const read = elementReader(datatype, { heap: object.in.heap, pathOf: () => undefined });
  const values: number[] = [];
  for (let at = 0; at < data.length; at += datatype.size) values.push(Number(read(data, at)));
  return values;
}

/**
 * For each axis the addresses of the scales that are attached to it, in their order; undefined where the dataset
 * has no usable list.
 */
export function attachedScales(object: GraphObject, rank: number): number[][] | undefined {
  const attribute = attributeOf(object, "DIMENSION_LIST");
  if (attribute?.datatype.class !== "sequence" || attribute.datatype.base.class !== "reference")
    return undefined;
  const { datatype, data } = attribute;
  if (data.length !== rank * datatype.size) return undefined;
  const { base } = attribute.datatype;
  const { heap } = object.in;
  try {
    return Array.from({ length: rank }, (_, axis) => {
      const pointer = heap.pointer(data, axis * datatype.size);
      if (!pointer) return [];
      const references = heap.object(pointer);
      const count = Math.min(pointer.length, Math.floor(references.length / base.size));
      return Array.from({ length: count }, (_, i) => {
        return base.class === "reference"
          ? referencedAddress(base, references, i * base.size, { heap })
          : undefined;
      }).flatMap((address) => address ?? []);
    });
  } catch (error) {
    if (error instanceof MoraineError) return undefined;
    throw error;
  }
}

/** The name of the variable that a dataset of this name is. */
export function variableName(name: string): string {
  return name.startsWith(NON_COORDINATE) && name.length > NON_COORDINATE.length
    ? name.slice(NON_COORDINATE.length)
    : name;
}

/** Whether an attribute belongs to the format and not to the data. */
export function isHiddenAttribute(object: GraphObject, name: string): boolean {
  switch (name) {
    case "_NCProperties":
    case "_nc3_strict":
    case "_Netcdf4Dimid":
    case "_Netcdf4Coordinates":
      return true;
    case "DIMENSION_LIST":
    case "REFERENCE_LIST":
      return object.kind === "dataset";
    case "CLASS":
    case "NAME":
      return object.kind === "dataset" && isScale(object);
    default:
      return false;
  }
}
