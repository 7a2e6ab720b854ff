/**
 * How the chunks of an array are made of pieces that can be fetched on their own: the inner chunks of shards, and
 * rows of large chunks whose elements lie in the bytes as they are.
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import { parseSharding, type Sharding } from "../../codecs/sharding.ts";
import { itemSize } from "../../data-types/data-type.ts";
import type { ArrayMetadata } from "../array-metadata.ts";
import { largestChunk } from "../chunk-grid.ts";
import type { ResolvedSelection } from "../selection.ts";
import { type AxisChunks, axisChunksOf } from "./axis-chunks.ts";

/** One level of nesting: what the chunks of the level above are cut into. */
export type PieceLevel =
  /** Inner chunks of a shard. */
  | { readonly kind: "shard"; readonly pieceShape: readonly number[]; readonly sharding: Sharding }
  /** Rows of a chunk that is stored as it is; infinite along the axes that are not cut. */
  | { readonly kind: "rows"; readonly pieceShape: readonly number[]; readonly itemSize: number };

export interface ChunkLayout {
  /** The array's own chunks, axis by axis. */
  readonly axes: readonly AxisChunks[];
  /** Outermost first. */
  readonly levels: readonly PieceLevel[];
  /** The codecs of what is decoded: the pieces of the last level, or the chunks. */
  readonly codecs: readonly CodecSpecification[];
}

/** A chunk without compression that is larger than this is read in pieces of about this size. Bytes. */
const PIECE_BYTES = 64 * 1024;
/** Where the pieces are many, they are made larger, up to this: each takes its time to be planned. Bytes. */
const LARGE_PIECE_BYTES = 1024 * 1024;
/** But so many of them at least: of those at both ends less may be selected than is fetched. */
const LARGE_PIECES = 16;

/**
 * The layout of an array, for reading a selection of it where one is given.
 *
 * Errors: `InvalidMetadata` for a sharding codec whose configuration breaks the specification.
 */
export function layoutOf(metadata: ArrayMetadata, selection?: ResolvedSelection): ChunkLayout {
  const grid = metadata.chunkGrid;
  const axes = axisChunksOf(grid);
  const levels: PieceLevel[] = [];
  let codecs = metadata.codecs;
  let shape = largestChunk(grid);
  // Only where nothing else encodes the shard its inner chunks are ranges of it.
  while (codecs.length === 1 && codecs[0]?.name === "sharding_indexed") {
    const sharding = parseSharding(codecs[0].configuration ?? {});
    levels.push({ kind: "shard", pieceShape: sharding.chunkShape, sharding });
    shape = sharding.chunkShape;
    codecs = sharding.codecs;
  }
  const size = itemSize(metadata.dataType);
  if (codecs.length === 1 && codecs[0]?.name === "bytes" && size !== undefined) {
    const pieceShape = rowsOf(shape, size, selection);
    if (pieceShape) levels.push({ kind: "rows", pieceShape, itemSize: size });
  }
  return { axes, levels, codecs };
}

/** The shape of pieces whose elements are neighbours; undefined for small chunks. */
function rowsOf(
  shape: readonly number[],
  size: number,
  selection: ResolvedSelection | undefined,
): number[] | undefined {
  const pieces = shape.map(() => 1);
  let bytes = size;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    if (bytes * length > PIECE_BYTES) {
      const selected = selection?.axes[axis];
      const isRun = selected?.kind === "range" && Math.abs(selected.step) === 1;
      const large = Math.min(LARGE_PIECE_BYTES / bytes, isRun ? selected.count / LARGE_PIECES : 0, length);
      pieces[axis] = Math.max(1, Math.floor(PIECE_BYTES / bytes), Math.floor(large));
      return pieces;
    }
    pieces[axis] = Number.POSITIVE_INFINITY;
    bytes *= length;
  }
  return undefined;
}
