/**
 * Packed numbers as the numbers that they stand for, where sources pack differently.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import { PACKING_ATTRIBUTES, unpackedReader } from "./packing.ts";
import type { Piece } from "./piece.ts";

/**
 * A piece as doubles, missing values as NaN; all its chunks must be encoded anew.
 *
 * Errors: `Incompatible` for a type that is not one of numbers, or attributes that are none.
 */
export function unpackPiece(piece: Piece): Piece {
  const { metadata } = piece;
  const unpacked = unpackedReader(piece);
  const kept = Object.entries(metadata.attributes).filter(([key]) => !PACKING_ATTRIBUTES.includes(key));
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
    region: async (...call) => {
      const { values } = await unpacked(...call);
      return new Uint8Array(values.buffer);
    },
  };
}
