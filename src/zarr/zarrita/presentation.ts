/**
 * How an array is shown to zarrita: with the same shape, names and attributes, but in chunks that zarrita cannot read
 * wrongly. They are decoded here, where checksums are verified and HDF5's filters known, and given as plain
 * little-endian elements.
 *
 * @module
 */

import type { ChunkData, CodecSpecification } from "../../codecs/codec.ts";
import { type DataType, itemSize } from "../../data-types/data-type.ts";
import { decodeElements } from "../../data-types/elements.ts";
import { parseFillValue } from "../../data-types/fill-value.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { largestChunk } from "../chunk-grid.ts";
import { layoutOf } from "../read/chunk-layout.ts";

/** Chunks that are stored as they are and larger than this are shown in pieces. Bytes. */
const LARGE_CHUNK_BYTES = 16 * 1024 * 1024;
const PIECE_BYTES = 2 * 1024 * 1024;

const UTF8 = new TextEncoder();

/** The metadata that zarrita is shown. */
export function presentedMetadata(metadata: ArrayMetadata): ArrayMetadata {
  const dataType = presentedDataType(metadata.dataType);
  const codec: CodecSpecification =
    dataType.name === "string"
      ? { name: "vlen-utf8", configuration: {} }
      : dataType.name === "variable_length_bytes"
        ? { name: "vlen-bytes", configuration: {} }
        : itemSize(dataType) === 1
          ? { name: "bytes" }
          : { name: "bytes", configuration: { endian: "little" } };
  return {
    ...metadata,
    dataType,
    chunkGrid: { name: "regular", chunkShape: presentedChunkShape(metadata) },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: presentedFillValue(metadata, dataType),
    codecs: [codec],
  };
}

/** Types that zarrita does not know become those that hold the same values. */
function presentedDataType(dataType: DataType): DataType {
  switch (dataType.name) {
    case "fixed_length_utf32":
    case "null_terminated_bytes":
      return { name: "string" };
    case "float16":
      return "Float16Array" in globalThis ? dataType : { name: "float32" };
    case "bfloat16":
      return { name: "float32" };
    default:
      return dataType;
  }
}

/** Inner chunks instead of shards, one shape for chunks of several, and pieces of very large ones. */
function presentedChunkShape(metadata: ArrayMetadata): readonly number[] {
  const { levels } = layoutOf(metadata);
  const inner = levels.findLast((level) => level.kind === "shard");
  const shape = inner?.pieceShape ?? largestChunk(metadata.chunkGrid);
  const size = itemSize(metadata.dataType) ?? 1;
  const bytes = shape.reduce((product, length) => product * length, size);
  if (bytes <= LARGE_CHUNK_BYTES || levels.at(-1)?.kind !== "rows") return shape;
  const piece = [...shape];
  let rest = bytes;
  for (let axis = 0; axis < piece.length && rest > PIECE_BYTES; axis++) {
    const length = piece[axis] ?? 1;
    const wanted = Math.max(1, Math.floor(length / Math.ceil(rest / PIECE_BYTES)));
    piece[axis] = wanted;
    rest = (rest / length) * wanted;
  }
  return piece;
}

function presentedFillValue({ fillValue, dataType }: ArrayMetadata, shown: DataType): Uint8Array {
  // zarrita knows one NaN only. (Every chunk is given, so that its fill values are never put in.)
  if (shown.name === "float32" || shown.name === "float64" || shown.name === "float16") {
    const value = Number(decodeElements(fillValue, dataType)[0] ?? 0);
    if (Number.isNaN(value)) return parseFillValue("NaN", shown);
    if (shown !== dataType) return parseFillValue(Number.isFinite(value) ? value : String(value), shown);
    return fillValue;
  }
  if (shown === dataType) return fillValue;
  return UTF8.encode(String(decodeElements(fillValue, dataType)[0] ?? ""));
}

/** Elements of an array in the type that they are shown in. */
export function presentedElements(data: ChunkData, dataType: DataType): ChunkData {
  const shown = presentedDataType(dataType);
  if (shown === dataType || !(data instanceof Uint8Array)) return data;
  const values = decodeElements(data, dataType);
  if (values instanceof Float32Array) {
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  return Array.from<unknown, string>(values, String);
}
