/**
 * Numbers of different types as numbers of one type that holds all of them exactly.
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { castNumbers, type NumberType, numberTypeOf } from "../../data-types/numbers.ts";
import { MoraineError } from "../../errors.ts";
import { decodeFillValueAttribute, encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { Piece } from "./piece.ts";

/** Smaller ones first. */
const CANDIDATES: readonly DataType[] = (
  ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "int64", "uint64", "float64"] as const
).map((name) => ({ name }));

/** Bits of the significand, with the hidden one. */
const PRECISION: Readonly<Record<string, bigint>> = {
  float16: 11n,
  bfloat16: 8n,
  float32: 24n,
  float64: 53n,
};

/**
 * The type that holds every number of the given types exactly: one of them where that is possible, else the smallest.
 * Undefined where there is none, or one of them is no type of numbers.
 *
 * @example
 * commonNumberType([{ name: "int16" }, { name: "uint16" }]); // { name: "int32" }
 */
export function commonNumberType(types: readonly DataType[]): DataType | undefined {
  const numbers = types.map(numberTypeOf).filter((type) => type !== undefined);
  if (numbers.length < types.length) return undefined;
  return [...types, ...CANDIDATES].find((candidate) => {
    const target = numberTypeOf(candidate);
    return target !== undefined && numbers.every((type) => holds(target, type));
  });
}

function holds(target: NumberType, type: NumberType): boolean {
  if (target.name === type.name) return true;
  if (target.kind === "float") {
    const limit = 2n ** (PRECISION[target.name] ?? 0n);
    return type.kind === "float" ? target.size > type.size : type.high <= limit && type.low >= -limit;
  }
  return type.kind !== "float" && target.low <= type.low && target.high >= type.high;
}

/** A piece in a type that {@link commonNumberType} gave; all its chunks must be encoded anew, unless it has it already. */
export function widenType(piece: Piece, dataType: DataType): Piece {
  const { metadata } = piece;
  if (metadata.dataType.name === dataType.name) return piece;
  const [from, to] = [numberTypeOf(metadata.dataType), numberTypeOf(dataType)];
  if (from === undefined || to === undefined || piece.existing === true) {
    throw new MoraineError("Incompatible", `${metadata.dataType.name} cannot become ${dataType.name}`, {
      source: piece.source,
    });
  }
  const { _FillValue: mark, ...attributes } = metadata.attributes;
  const value = mark === undefined ? undefined : decodeFillValueAttribute(mark, metadata.dataType);
  const encoded = value === undefined ? undefined : encodeFillValueAttribute(value, dataType);
  const endian = itemSize(dataType) === 1 ? {} : { configuration: { endian: "little" } };
  return {
    ...piece,
    metadata: {
      ...metadata,
      dataType,
      fillValue: castNumbers(metadata.fillValue, from, to),
      codecs: [{ name: "bytes", ...endian }],
      attributes: encoded === undefined ? attributes : { ...attributes, _FillValue: encoded },
    },
    manifest: undefined,
    region: async (start, shape, options) => {
      const data = await piece.region(start, shape, options);
      if (!(data instanceof Uint8Array)) {
        throw new MoraineError("Incompatible", "these are no numbers", { source: piece.source });
      }
      return castNumbers(data, from, to);
    },
  };
}
