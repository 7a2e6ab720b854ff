/**
 * What a codec is. A chunk is encoded by array-to-array codecs, one array-to-bytes codec and
 * bytes-to-bytes codecs, in this order (Zarr v3 core 3.1, "codecs").
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";
import type { PackedElements } from "../data-types/elements.ts";

/** A codec as metadata names it. */
export interface CodecSpecification {
  readonly name: string;
  readonly configuration?: JsonObject | undefined;
}

/** The decoded form of a chunk: what the next codec toward the bytes is given. */
export interface ChunkRepresentation {
  readonly shape: readonly number[];
  readonly dataType: DataType;
  /**
   * One element: little-endian bytes, UTF-8 for strings, the bytes themselves for variable-length bytes. Undefined
   * behind codecs that cannot encode the fill value.
   */
  readonly fillValue: Uint8Array | undefined;
}

/** Decoded elements of a chunk. */
export type ChunkData = PackedElements;

/** Between two forms of decoded elements: transpose, delta, casts. */
export interface ArrayToArrayCodec {
  readonly kind: "array-to-array";
  /** What comes out when this representation is encoded. */
  readonly encoded: ChunkRepresentation;
  encode(data: ChunkData): ChunkData;
  decode(data: ChunkData): ChunkData;
}

/** Between elements and bytes. */
export interface ArrayToBytesCodec {
  readonly kind: "array-to-bytes";
  /** Bytes of the encoded form where it is always the same. */
  readonly encodedSize: number | undefined;
  /** Whether the encoded bytes are always the elements as they are in memory. */
  readonly isIdentity?: boolean;
  /** What must have been awaited before `decode` and `encode`, or before `decode` only. */
  ready?(only?: "decode"): Promise<void>;
  /** The buffer may be changed or become part of the result when it is `owned`. */
  decode(bytes: Uint8Array, owned: boolean): ChunkData;
  encode(data: ChunkData): Uint8Array;
}

/** What a decoder of bytes must give. */
export interface ExpectedSize {
  /** Bytes of the decoded form, where it is known: nothing else is right. */
  readonly exact: number | undefined;
  /** Bytes that the decoded form may have at the most. */
  readonly maximum: number;
}

/** Between bytes and bytes: compressors, checksums, shuffles. */
export interface BytesToBytesCodec {
  readonly kind: "bytes-to-bytes";
  /** Bytes after encoding, where they follow from the bytes before. */
  encodedSize(size: number): number | undefined;
  decode(bytes: Uint8Array, expected: ExpectedSize): Uint8Array;
  /** The same into memory that has exactly the bytes of the decoded form, where the codec can. */
  decodeInto?(bytes: Uint8Array, target: Uint8Array): void;
  encode(bytes: Uint8Array): Uint8Array;
  /** The same on another thread, where there is one: worth it for many chunks side by side. */
  decodeAsync?(bytes: Uint8Array, expected: ExpectedSize): Promise<Uint8Array>;
  encodeAsync?(bytes: Uint8Array): Promise<Uint8Array>;
  /** What must have been awaited before `decode` and `encode`, or before `decode` only: a module to be loaded. */
  readonly ready?: ((only?: "decode") => Promise<void>) | undefined;
}

export type Codec = ArrayToArrayCodec | ArrayToBytesCodec | BytesToBytesCodec;

/** Makes a codec from its configuration, given what it will encode. Errors: `InvalidMetadata`, `UnsupportedCodec`. */
export type CodecMaker = (configuration: JsonObject, representation: ChunkRepresentation) => Codec;
