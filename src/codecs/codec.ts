/**
 * What a codec is. A chunk is encoded by array-to-array codecs, one array-to-bytes codec and
 * bytes-to-bytes codecs, in this order (Zarr v3 core 3.1, "codecs").
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { DataType } from "../data-types/data-type.ts";

/** A codec as metadata names it. */
export interface CodecSpecification {
  readonly name: string;
  readonly configuration?: JsonObject | undefined;
}

/** The decoded form of a chunk: what the next codec toward the bytes is given. */
export interface ChunkRepresentation {
  readonly shape: readonly number[];
  readonly dataType: DataType;
  /** One element: little-endian bytes, UTF-8 for strings, the bytes themselves for variable-length bytes. */
  readonly fillValue: Uint8Array;
}

/**
 * Decoded elements in C order: little-endian bytes without padding for types of fixed size, else a value for
 * each element.
 */
export type ChunkData = Uint8Array | readonly string[] | readonly Uint8Array[];
