/**
 * The index of a dataset whose one chunk holds all of it (specification 4.0, VII.A "Single Chunk Index").
 *
 * @module
 */

import type { ChunkRows } from "./chunk-rows.ts";

/** @param filtered stored bytes and filter mask where the chunk went through filters */
export function readSingleChunk(
  rows: ChunkRows,
  address: number,
  filtered: { readonly size: number; readonly mask: number } | undefined,
): void {
  rows.append(0, address, filtered?.size ?? rows.array.chunkBytes, filtered?.mask ?? 0);
}
