/**
 * What becomes of an array of a repository whose sources are indexed anew.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import { codecsKey } from "../../codecs/codecs-key.ts";
import { MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridCoordinates, gridPosition, sameShape } from "../../zarr/chunk-grid.ts";
import { arrayMetadataToShow } from "../../zarr/metadata-v3.ts";
import { hasSameForm } from "../storage-form.ts";
import { EDITED, MADE_ANEW } from "./kept-chunks.ts";
import { ChunkMover, type Move, standsStill } from "./moved-chunks.ts";
import type { Written } from "./written-by-others.ts";

export type ArrayFate =
  /** It was not there, or nothing of it stays. */
  | { readonly kind: "new" }
  /** Others made it: it stays as it is. */
  | { readonly kind: "left" }
  /** It is laid out anew, with what others wrote: by new positions, those before. */
  | { readonly kind: "moved"; readonly before: ChunkManifest; readonly carried: ReadonlyMap<number, number> }
  /** It stays, with other references. */
  | {
      readonly kind: "stays";
      readonly before: ChunkManifest;
      /** Positions in the grid of chunks that others wrote. */
      readonly kept: ReadonlySet<number>;
      readonly set: Set<number>;
      planned: ChunkManifest | undefined;
    };

/**
 * Decides, and makes the array what it shall be, without its chunks.
 *
 * Errors: `Incompatible` where others wrote chunks that have no place in it any more.
 *
 * @param metadata as planned
 * @param tell takes what stays, in words
 */
export async function decideFate(
  session: Session,
  path: string,
  metadata: ArrayMetadata,
  { made, updated, chunks }: Written,
  move: Move,
  tell: (note: string) => void,
): Promise<ArrayFate> {
  if (session.node(path) === undefined) {
    session.createArray(path, metadata);
    return { kind: "new" };
  }
  const stored = session.array(path).metadata;
  if (made.has(path)) {
    if (sameShape(stored.shape, metadata.shape)) {
      tell(MADE_ANEW);
      return { kind: "left" };
    }
    throw new MoraineError(
      "Incompatible",
      "it was made anew in the repository, and has another shape in its sources now: it would no longer go with the " +
        "other arrays. What is new can be appended (--append), or the sources indexed into another group",
      { source: session.address, path },
    );
  }
  const before = await session.manifest(path);
  const written = chunks.get(path) ?? [];
  const kept = new Set(written.map((coordinates) => gridPosition(coordinates, before.gridShape)));
  const isStill = standsStill(move);
  const isEdited = updated.has(path);
  if (hasSameLayout(stored, metadata) && (isStill || kept.size === 0)) {
    if (kept.size > 0) tell(`${countOf(kept.size)} written since: kept`);
    if (isEdited) tell(EDITED);
    else if (documentOf(stored) !== documentOf(metadata)) session.updateArray(path, metadata);
    return { kind: "stays", before, kept, set: new Set(), planned: undefined };
  }
  if (kept.size === 0 && !isEdited) {
    session.delete(path);
    session.createArray(path, metadata);
    return { kind: "new" };
  }
  if (isStill && sameShape(stored.shape, metadata.shape) && isWhole(before, kept)) {
    tell("is native, and has another encoding in its source now: it stays");
    return { kind: "left" };
  }
  const carried = movedChunks(session, path, stored, metadata, before, kept, move, tell);
  if (isEdited) tell(EDITED);
  session.delete(path);
  session.createArray(path, isEdited ? { ...metadata, attributes: stored.attributes } : metadata);
  return { kind: "moved", before, carried };
}

function movedChunks(
  session: Session,
  path: string,
  stored: ArrayMetadata,
  metadata: ArrayMetadata,
  before: ChunkManifest,
  kept: ReadonlySet<number>,
  move: Move,
  tell: (note: string) => void,
): Map<number, number> {
  const carried = new Map<number, number>();
  const mover = hasSameEncoding(stored, metadata) ? new ChunkMover(move, path, stored, metadata) : undefined;
  let gone = 0;
  for (const position of kept) {
    if (position < 0) continue;
    const coordinates = gridCoordinates(position, before.gridShape);
    const place = mover?.placeOf(coordinates);
    if (place === "gone") gone += 1;
    else if (place !== undefined) carried.set(place, position);
    else {
      throw new MoraineError(
        "Incompatible",
        "its sources have another shape or encoding now, or stand elsewhere, and chunk " +
          `[${coordinates.join(", ")}] of it was written since it was indexed: where that belongs is not known. ` +
          "Pin what is left (refresh --pin), or index the sources into another group",
        { source: session.address, path },
      );
    }
  }
  if (carried.size > 0) tell(`${countOf(carried.size)} written since: moved along with their sources`);
  if (gone > 0) tell(`${countOf(gone)} written since: removed with their sources`);
  return carried;
}

function countOf(chunks: number): string {
  return chunks === 1 ? "1 chunk" : `${chunks} chunks`;
}

/** Whether others wrote every chunk that is stored. */
function isWhole({ count, positions }: ChunkManifest, kept: ReadonlySet<number>): boolean {
  for (let entry = 0; entry < count; entry++) if (!kept.has(positions?.[entry] ?? entry)) return false;
  return count > 0;
}

/** An array's metadata as text. */
export function documentOf(metadata: ArrayMetadata): string {
  return stringifyJson(arrayMetadataToShow(metadata));
}

/** Whether all that chunks depend on is the same. */
function hasSameLayout(a: ArrayMetadata, b: ArrayMetadata): boolean {
  return hasSameForm(a, { ...b, codecs: a.codecs }) && sameShape(a.shape, b.shape) && hasSameEncoding(a, b);
}

/** Whether a chunk of one is the same values in the other, where it has the same shape. */
function hasSameEncoding(a: ArrayMetadata, b: ArrayMetadata): boolean {
  const { chunkGrid, shape } = a;
  const rest = (metadata: ArrayMetadata): string =>
    documentOf({ ...metadata, attributes: {}, chunkGrid, shape, codecs: [] });
  return codecsKey(a.codecs) === codecsKey(b.codecs) && rest(a) === rest(b);
}
