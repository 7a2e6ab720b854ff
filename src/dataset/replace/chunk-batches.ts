/**
 * Chunks of several arrays in batches of bounded bytes, each of which becomes one commit.
 *
 * @module
 */

import type { Session } from "../../icechunk/session/session.ts";
import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { absolutePath } from "../source.ts";
import { gridBoxOf, isInBox } from "./grid-box.ts";
import { type Box, boxOf, type Condition, nothingThere } from "./where.ts";

/** Chunks of one array. */
export interface ArrayBatch {
  readonly path: string;
  /** Grid coordinates, `rank` numbers a chunk, in C order of the grid. */
  readonly coordinates: number[];
  count: number;
}

/** Chunks of any arrays that are handled together. */
export interface Batch {
  readonly arrays: readonly ArrayBatch[];
  readonly chunks: number;
  /** Stored bytes. */
  readonly bytes: number;
}

/** Which entries of a manifest are meant. */
export type EntryFilter = (manifest: ChunkManifest, entry: number) => boolean;

export interface BatchOptions extends StorageOptions {
  /** An array, or a group whose arrays are meant; everything where it is left out. */
  readonly path?: string | undefined;
  readonly where?: readonly Condition[] | undefined;
  /** Stored bytes of a batch at the most; a single chunk may have more. */
  readonly budget: number;
}

/** Chunks of a batch at the most, whatever their size. */
const MOST_CHUNKS = 100_000;

/** Paths of the arrays at or below a path, sorted. */
export function arrayPaths(session: Session, path = "/"): string[] {
  const base = absolutePath(path);
  return session.paths().filter((candidate) => {
    const isBelow = base === "/" || candidate === base || candidate.startsWith(`${base}/`);
    return isBelow && session.node(candidate)?.kind === "array";
  });
}

/**
 * The stored chunks of a session that a filter lets through, in batches. One manifest is in memory at a time.
 *
 * Errors: `InvalidArgument` as `boxOf`, and where no array has anything at the part.
 */
export async function* batches(
  session: Session,
  filter: EntryFilter,
  options: BatchOptions,
): AsyncGenerator<Batch, void, undefined> {
  let arrays: ArrayBatch[] = [];
  let chunks = 0;
  let bytes = 0;
  const { where = [] } = options;
  let isThere = where.length === 0;
  for (const path of arrayPaths(session, options.path)) {
    options.signal?.throwIfAborted();
    const array = session.array(path);
    const box: Box | undefined = await boxOf(array, where, (other) => session.array(other), options);
    if (where.length > 0 && box === undefined) continue;
    isThere = true;
    const inside = box && gridBoxOf(array.metadata, box);
    const manifest = await session.manifest(path, options);
    let own: ArrayBatch | undefined;
    for (let entry = 0; entry < manifest.count; entry++) {
      if (!filter(manifest, entry)) continue;
      const coordinates = entryCoordinates(manifest, entry);
      if (inside && !isInBox(coordinates, inside)) continue;
      if (own === undefined) {
        own = { path, coordinates: [], count: 0 };
        arrays.push(own);
      }
      own.coordinates.push(...coordinates);
      own.count += 1;
      chunks += 1;
      bytes += manifest.lengths[entry] ?? 0;
      if (bytes < options.budget && chunks < MOST_CHUNKS) continue;
      yield { arrays, chunks, bytes };
      [arrays, chunks, bytes, own] = [[], 0, 0, undefined];
    }
  }
  if (!isThere) throw nothingThere(where, session.address);
  if (chunks > 0) yield { arrays, chunks, bytes };
}
