/**
 * `bytes`: elements one after another in either byte order (Zarr v3 codec "bytes").
 *
 * @module
 */

import { swapWords, type Words, wordsOf } from "../data-types/byte-order.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, ChunkData, ChunkRepresentation, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

export const makeBytes: CodecMaker = (values, representation) => {
  const configuration = new Configuration("bytes", values, ["endian"]);
  const { dataType } = representation;
  if (itemSize(dataType) === undefined) throw configuration.error(`it cannot encode ${dataType.name}`);
  const words = wordsOf(dataType);
  const endian =
    (configuration.value("endian") ?? null) === null && words.length === 0
      ? "little"
      : configuration.word("endian", ["little", "big"]);
  return bytesCodec(representation, endian === "big" ? words : []);
};

/** The name of the codec of records whose fields have different byte orders. It is in no document of Zarr v3. */
export const MIXED_ENDIAN_BYTES = "moraine.mixed_endian_bytes";

/**
 * Records whose fields have different byte orders, which Zarr v2 allows and v3 cannot say: `endian` is a list with
 * an entry for each field of more than one byte.
 */
export const makeMixedEndianBytes: CodecMaker = (values, representation) => {
  const configuration = new Configuration(MIXED_ENDIAN_BYTES, values, ["endian"]);
  const words = wordsOf(representation.dataType);
  const orders = configuration.words("endian", ["little", "big"]);
  if (orders.length !== words.length) throw configuration.error("endian needs an entry for each field");
  return bytesCodec(
    representation,
    words.filter((_, field) => orders[field] === "big"),
  );
};

/** @param swapped the numbers that are big-endian */
function bytesCodec({ shape, dataType }: ChunkRepresentation, swapped: readonly Words[]): ArrayToBytesCodec {
  const size = itemSize(dataType) ?? 1;
  const encodedSize = shape.reduce((product, length) => product * length, size);
  const hasBooleans = containsBooleans(dataType);
  return {
    kind: "array-to-bytes",
    encodedSize,
    isIdentity: swapped.length === 0 && !hasBooleans,
    decode(bytes, owned) {
      if (hasBooleans) checkBooleans(bytes, dataType);
      if (swapped.length === 0) return bytes;
      const out = owned ? bytes : bytes.slice();
      swapWords(out, size, swapped);
      return out;
    },
    encode(data: ChunkData) {
      if (!(data instanceof Uint8Array) || data.length !== encodedSize) {
        throw new MoraineError("InvalidArgument", `a chunk of ${encodedSize} bytes was expected`);
      }
      if (swapped.length === 0) return data;
      const out = data.slice();
      swapWords(out, size, swapped);
      return out;
    },
  };
}

function containsBooleans(dataType: DataType): boolean {
  return dataType.name === "struct"
    ? dataType.fields.some((field) => containsBooleans(field.dataType))
    : dataType.name === "bool";
}

/** Offsets of the booleans in an element. */
function booleanOffsets(dataType: DataType, offset: number): number[] {
  if (dataType.name === "bool") return [offset];
  if (dataType.name !== "struct") return [];
  const offsets: number[] = [];
  let at = offset;
  for (const field of dataType.fields) {
    offsets.push(...booleanOffsets(field.dataType, at));
    at += itemSize(field.dataType) ?? 0;
  }
  return offsets;
}

/** Booleans are bytes 0 or 1; anything else is no boolean. */
function checkBooleans(bytes: Uint8Array, dataType: DataType): void {
  const size = itemSize(dataType) ?? 1;
  for (const offset of booleanOffsets(dataType, 0)) {
    for (let at = offset; at < bytes.length; at += size) {
      if ((bytes[at] ?? 0) > 1) throw new MoraineError("CorruptChunk", `byte ${bytes[at]} is no boolean`);
    }
  }
}
