/**
 * One of the arrays that become one, and the joining of several.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { insertAxis } from "../../manifest/concatenate.ts";
import { joinPartOf, withAxis } from "../../manifest/concatenate-arrays.ts";
import { type JoinPolicy, planJoin } from "../../manifest/join-plan.ts";
import { emptyManifest, joinReferences } from "../../manifest/join-references.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf, largestChunk } from "../../zarr/chunk-grid.ts";
import type { RegionReader } from "../../zarr/write/chunk-encoder.ts";
import { markPending } from "./pending.ts";
import { filledRegion, joinedRegion, widenedRegion } from "./regions.ts";

export interface Piece {
  /** Address of the source, for messages. */
  readonly source: string;
  readonly metadata: ArrayMetadata;
  /** The chunks that may stay where they are; undefined where all must be encoded anew. */
  readonly manifest: ChunkManifest | undefined;
  /** Chunks that are already in the target: they stay, but cannot be cut. */
  readonly existing?: boolean | undefined;
  /** First element along the dimension of the join where it takes the place of what is in the target. */
  readonly at?: number | undefined;
  /** The values, in the data type of `metadata`. */
  readonly region: RegionReader;
}

/** Joins pieces along an axis; chunks to be encoded anew are pending. The metadata are the first piece's otherwise. */
export function joinPieces(pieces: readonly [Piece, ...Piece[]], axis: number, policy: JoinPolicy): Piece {
  const [first] = pieces;
  const region = joinedRegion(
    pieces.map((piece) => ({ shape: piece.metadata.shape, region: piece.region })),
    axis,
  );
  const plan = planJoin(
    pieces.map((piece) => {
      const part = joinPartOf(piece.metadata, piece.manifest, axis);
      return piece.existing === true ? { ...part, cuttable: false } : part;
    }),
    axis,
    policy,
  );
  const metadata: ArrayMetadata = { ...first.metadata, shape: plan.shape, chunkGrid: plan.chunkGrid };
  if (pieces.every((piece) => piece.manifest === undefined)) {
    return { source: first.source, metadata, manifest: undefined, region };
  }
  const { manifest, rewrite } = joinReferences(
    pieces.map((piece) => piece.manifest && { metadata: piece.metadata, manifest: piece.manifest }),
    plan,
    axis,
  );
  return {
    source: first.source,
    metadata,
    manifest: markPending(manifest, rewrite, chunkBytes(metadata)),
    region,
  };
}

/** Bytes of the largest chunk, decoded; of variable length 16 an element. */
export function chunkBytes({ chunkGrid, dataType }: ArrayMetadata): number {
  return largestChunk(chunkGrid).reduce((product, length) => product * length, itemSize(dataType) ?? 16);
}

/** A piece with a new axis of one element. */
export function widenPiece(piece: Piece, axis: number, dimension: string): Piece {
  const { metadata, manifest } = piece;
  return {
    ...piece,
    metadata: withAxis(metadata, axis, dimension),
    manifest: manifest && insertAxis(manifest, axis),
    region: widenedRegion(piece.region, axis),
  };
}

/** What stands for a piece that a source does not have: fill values. */
export function missingPiece(source: string, like: ArrayMetadata, shape: readonly number[]): Piece {
  const metadata: ArrayMetadata = { ...like, shape };
  return {
    source,
    metadata,
    manifest: emptyManifest(gridShapeOf(metadata)),
    region: filledRegion(metadata),
  };
}
