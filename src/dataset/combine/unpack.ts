/**
 * Packed numbers as the numbers that they stand for (CF 1.11, section 8.1), where sources pack differently.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { decodeElements } from "../../data-types/elements.ts";
import { MoraineError } from "../../errors.ts";
import { decodeFillValueAttribute, encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { signOf } from "./drift.ts";
import type { Piece } from "./piece.ts";

/** Attributes that speak of the packed numbers. */
const PACKED = [
  "scale_factor",
  "add_offset",
  "_FillValue",
  "missing_value",
  "_Unsigned",
  "valid_min",
  "valid_max",
  "valid_range",
];

/**
 * A piece as doubles, missing values as NaN; all its chunks must be encoded anew.
 *
 * Errors: `Incompatible` for a type that is not one of numbers, or attributes that are none.
 */
export function unpackPiece(piece: Piece): Piece {
  const { metadata } = piece;
  const { attributes, dataType } = metadata;
  if (!/^(u?int|float(32|64))/.test(dataType.name)) {
    throw new MoraineError("Incompatible", `${dataType.name} cannot be unpacked`, { source: piece.source });
  }
  const scale = numberOf(attributes["scale_factor"] ?? 1, piece.source);
  const offset = numberOf(attributes["add_offset"] ?? 0, piece.source);
  const missing = missingValues(metadata);
  const signed = signReader(metadata);
  const kept = Object.entries(attributes).filter(([key]) => !PACKED.includes(key));
  const nan = new Uint8Array(8);
  new DataView(nan.buffer).setFloat64(0, Number.NaN, true);
  const fill = encodeFillValueAttribute(Number.NaN, { name: "float64" }) ?? null;
  return {
    ...piece,
    metadata: {
      ...metadata,
      dataType: { name: "float64" },
      fillValue: nan,
      codecs: [{ name: "bytes", configuration: { endian: "little" } }],
      attributes: Object.fromEntries<JsonValue>([...kept, ["_FillValue", fill]]) satisfies JsonObject,
    },
    manifest: undefined,
    region: async (start, shape, options) => {
      const packed: ArrayLike<unknown> = decodeElements(await piece.region(start, shape, options), dataType);
      const bytes = new Uint8Array(packed.length * 8);
      const view = new DataView(bytes.buffer);
      for (let index = 0; index < packed.length; index++) {
        const value = exactNumber(packed[index], piece.source);
        const whole = signed(value);
        const isMissing = missing.has(value) || missing.has(whole);
        view.setFloat64(index * 8, isMissing ? Number.NaN : whole * scale + offset, true);
      }
      return bytes;
    },
  };
}

function exactNumber(value: unknown, source: string): number {
  const number = Number(value);
  if (typeof value === "bigint" && !Number.isSafeInteger(number)) {
    throw new MoraineError("Incompatible", `${value} has no exact double to be unpacked to`, { source });
  }
  return number;
}

/** Integers with the sign that `_Unsigned` gives them (NetCDF Users Guide, "Attribute Conventions"). */
function signReader({ attributes, dataType }: ArrayMetadata): (value: number) => number {
  const sign = signOf(attributes, dataType);
  const range = 2 ** Number(/\d+$/.exec(dataType.name)?.[0] ?? 0);
  if (sign === "true") return (value) => (value < 0 ? value + range : value);
  return sign === "false" ? (value) => (value >= range / 2 ? value - range : value) : (value) => value;
}

function numberOf(value: JsonValue, source: string): number {
  if (typeof value === "number" || typeof value === "bigint") return Number(value);
  throw new MoraineError("Incompatible", "scale_factor or add_offset is no number", { source });
}

function missingValues({ attributes, dataType }: ArrayMetadata): Set<number> {
  const marks: (JsonValue | undefined)[] = [attributes["missing_value"]].flat();
  const fill = attributes["_FillValue"];
  if (fill !== undefined) marks.push(decodeFillValueAttribute(fill, dataType));
  const numbers = marks.filter((mark) => typeof mark === "number" || typeof mark === "bigint").map(Number);
  // A mark may be given more exactly than the values are.
  return new Set(dataType.name === "float32" ? [...numbers, ...numbers.map(Math.fround)] : numbers);
}
