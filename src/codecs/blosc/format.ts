/**
 * What a container of Blosc 1 consists of: a header, where each block starts, and blocks that are shuffled and
 * compressed by themselves.
 *
 * Header: version of the format (2), version of the compressor's format, flags, bytes of an element, then decoded
 * bytes, bytes of a block and encoded bytes, 4 bytes each. All integers are little-endian.
 *
 * @see https://github.com/Blosc/c-blosc/blob/main/README_CHUNK_FORMAT.rst
 * @module
 */

export type BloscShuffle = "noshuffle" | "shuffle" | "bitshuffle";
export type BloscCompressor = "blosclz" | "lz4" | "lz4hc" | "snappy" | "zlib" | "zstd";

export const HEADER = 16;
export const FORMAT = 2;
/** Flags of the header; its upper three bits are the number of the compressor. */
export const SHUFFLED = 0x01;
export const STORED = 0x02;
export const BIT_SHUFFLED = 0x04;
export const WHOLE_BLOCKS = 0x10;
/** Compressors in the order of their numbers. */
export const COMPRESSORS = ["blosclz", "lz4", "snappy", "zlib", "zstd"] as const;

/** Of some bytes those whose bits are taken apart: all where elements come in groups of eight, else none. */
export function wholeGroups(length: number, typeSize: number): number {
  const elements = Math.floor(length / typeSize);
  return elements % 8 === 0 ? elements * typeSize : 0;
}
