/**
 * How packed numbers stand for others (CF 1.11, section 8.1), and which of them stand for none.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import type { DataType } from "../../data-types/data-type.ts";
import { decodeElements } from "../../data-types/elements.ts";
import { MoraineError } from "../../errors.ts";
import { decodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { signOf } from "./drift.ts";
import type { Piece } from "./piece.ts";

/** Attributes that speak of the packed numbers. */
export const PACKING_ATTRIBUTES: readonly string[] = [
  "scale_factor",
  "add_offset",
  "_FillValue",
  "missing_value",
  "_Unsigned",
  "valid_min",
  "valid_max",
  "valid_range",
];

/** What stored numbers are multiplied by, and what is added then. */
export interface Packing {
  readonly scale: number;
  readonly offset: number;
  /** Stored numbers that stand for missing values. */
  readonly missing: ReadonlySet<number>;
  /** What `_Unsigned` makes of a stored number (NetCDF Users Guide, "Attribute Conventions"). */
  readonly signed: (stored: number) => number;
  /** The number that is stored for such a one. */
  readonly unsigned: (signed: number) => number;
}

/** Errors: `Incompatible` for a type that is not one of numbers, or attributes that are none. */
export function readPacking({ attributes, dataType }: ArrayMetadata, source: string): Packing {
  if (!/^(u?int|float(32|64))/.test(dataType.name)) {
    throw new MoraineError("Incompatible", `${dataType.name} cannot be unpacked`, { source });
  }
  const sign = signOf(attributes, dataType);
  const range = 2 ** Number(/\d+$/.exec(dataType.name)?.[0] ?? 0);
  const lift = (value: number): number => (value < 0 ? value + range : value);
  const drop = (value: number): number => (value >= range / 2 ? value - range : value);
  const same = (value: number): number => value;
  return {
    scale: numberOf(attributes["scale_factor"] ?? 1, source),
    offset: numberOf(attributes["add_offset"] ?? 0, source),
    missing: missingValues(attributes, dataType),
    signed: sign === "true" ? lift : sign === "false" ? drop : same,
    unsigned: sign === "true" ? drop : sign === "false" ? lift : same,
  };
}

/** Numbers as a reader unpacks them, in double arithmetic, as xarray reads from Zarr. */
export interface Unpacked {
  /** NaN where they are missing. */
  readonly values: Float64Array;
  /** 1 where they are missing; others may be NaN by themselves. */
  readonly isMissing: Uint8Array;
}

/** Reads parts of a piece as the numbers that they stand for. Errors: `Incompatible` for integers that no double is. */
export function unpackedReader(piece: Piece): (...call: Parameters<Piece["region"]>) => Promise<Unpacked> {
  const { metadata, region, source } = piece;
  const { scale, offset, missing, signed } = readPacking(metadata, source);
  return async (...call) => {
    const packed: ArrayLike<unknown> = decodeElements(await region(...call), metadata.dataType);
    const values = new Float64Array(packed.length);
    const isMissing = new Uint8Array(packed.length);
    for (let index = 0; index < packed.length; index++) {
      const value = exactNumber(packed[index], source);
      const whole = signed(value);
      isMissing[index] = Number(missing.has(value) || missing.has(whole));
      values[index] = isMissing[index] === 1 ? Number.NaN : whole * scale + offset;
    }
    return { values, isMissing };
  };
}

function exactNumber(value: unknown, source: string): number {
  const number = Number(value);
  if (typeof value === "bigint" && !Number.isSafeInteger(number)) {
    throw new MoraineError("Incompatible", `${value} has no exact double to be unpacked to`, { source });
  }
  return number;
}

function numberOf(value: JsonValue, source: string): number {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  throw new MoraineError("Incompatible", "scale_factor or add_offset is no number", { source });
}

function missingValues(attributes: ArrayMetadata["attributes"], dataType: DataType): Set<number> {
  const marks: (JsonValue | undefined)[] = [attributes["missing_value"]].flat();
  const fill = attributes["_FillValue"];
  if (fill !== undefined) marks.push(decodeFillValueAttribute(fill, dataType));
  const numbers = marks.filter((mark) => typeof mark === "number" || typeof mark === "bigint").map(Number);
  // A mark may be given more exactly than the values are.
  return new Set(dataType.name === "float32" ? [...numbers, ...numbers.map(Math.fround)] : numbers);
}
