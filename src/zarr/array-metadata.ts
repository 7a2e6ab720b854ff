/**
 * The metadata of an array and of a group, validated (Zarr v3 core 3.1 "array metadata", "group metadata").
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { CodecSpecification } from "../codecs/codec.ts";
import type { DataType } from "../data-types/data-type.ts";

/** How an array is cut into chunks. */
export type ChunkGrid =
  /** Chunks of one shape (elements), the last ones of an axis reaching beyond the array. */
  | { readonly name: "regular"; readonly chunkShape: readonly number[] }
  /** For each axis one length for all chunks, or `[length, count]` runs; zarr-extensions "rectilinear". */
  | { readonly name: "rectilinear"; readonly chunkShapes: readonly RectilinearAxis[] };

/** The chunks of an axis: one length for all, or runs of equal ones. */
export type RectilinearAxis = number | readonly (readonly [length: number, count: number])[];

/** How the key of a chunk is made of its coordinates. */
export interface ChunkKeyEncoding {
  readonly name: "default" | "v2";
  readonly separator: "/" | ".";
}

/** The metadata of an array, whatever document they come from (Zarr v3 core 3.1, "array metadata"); shapes in elements. */
export interface ArrayMetadata {
  readonly shape: readonly number[];
  readonly dataType: DataType;
  readonly chunkGrid: ChunkGrid;
  readonly chunkKeyEncoding: ChunkKeyEncoding;
  /** One element: little-endian bytes, UTF-8 for strings, the bytes themselves for variable-length bytes. */
  readonly fillValue: Uint8Array;
  readonly codecs: readonly CodecSpecification[];
  /** A name or null for each axis; absent when none are given. */
  readonly dimensionNames?: readonly (string | null)[] | undefined;
  readonly attributes: JsonObject;
}

/** The metadata of a group. */
export interface GroupMetadata {
  readonly attributes: JsonObject;
}
