/**
 * Which commit last wrote the chunks of an array, and from what.
 *
 * @module
 */

import type { HistoryEntry, SnapshotRef } from "../icechunk/history.ts";
import type { Repository } from "../icechunk/repository.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { axisChunksOf } from "../zarr/read/axis-chunks.ts";
import { partOf, touches } from "./campaign.ts";
import { entryCoordinates } from "./references.ts";
import { absolutePath } from "./source.ts";
import type { Where } from "./where.ts";

/** A commit and the chunks that it was the last to write. */
export interface Blame {
  readonly snapshot: string;
  readonly time: Date;
  readonly message: string;
  readonly chunks: number;
  /** Of these, by how they are kept now; chunks that are not stored are not counted. */
  readonly virtual: number;
  readonly native: number;
  readonly inline: number;
  /** Files that the virtual ones lie in. */
  readonly sources: readonly string[];
}

/**
 * Tells for the stored chunks of an array, or of a part of it, the commits that last wrote them, newest first.
 *
 * Errors: `NotFound`; those of the repository.
 */
export async function blame(
  repository: Repository,
  path: string,
  options: StorageOptions & {
    readonly ref?: SnapshotRef | undefined;
    readonly where?: Where | undefined;
  } = {},
): Promise<Blame[]> {
  const { signal, ref = {}, where } = options;
  const absolute = absolutePath(path);
  const session = await repository.readonlySession(ref, { signal });
  const array = session.array(absolute);
  const manifest = await session.manifest(absolute, { signal });
  const box = await partOf(session, array, where, { signal });
  const axes = axisChunksOf(array.chunkGrid);
  /** Entries whose commit is not known yet, by their coordinates. */
  const open = new Map<string, number>();
  for (let entry = 0; entry < manifest.count; entry++) {
    const coordinates = entryCoordinates(manifest, entry);
    if (box !== undefined && touches(axes, coordinates, box)) open.set(coordinates.join("/"), entry);
  }
  const blames: Blame[] = [];
  const tell = (entry: HistoryEntry, entries: readonly number[]): void => {
    if (entries.length === 0) return;
    const counts = { virtual: 0, native: 0, inline: 0 };
    const sources = new Set<string>();
    for (const at of entries) {
      const location = manifest.locations[manifest.locationIndexes?.[at] ?? 0] ?? "";
      if (manifest.inline.has(at)) counts.inline += 1;
      else if (session.isNative(location)) counts.native += 1;
      else {
        counts.virtual += 1;
        sources.add(location);
      }
    }
    const { id: snapshot, time, message } = entry;
    blames.push({ snapshot, time, message, chunks: entries.length, ...counts, sources: [...sources].sort() });
  };
  let name = absolute;
  let newer: HistoryEntry | undefined;
  for await (const entry of repository.ancestry(ref, { signal })) {
    if (newer !== undefined) {
      const diff = await repository.diff({ snapshotId: entry.id }, { snapshotId: newer.id }, { signal });
      const found: number[] = [];
      for (const coordinates of diff.updatedChunks.get(name) ?? []) {
        const key = coordinates.join("/");
        const at = open.get(key);
        if (at === undefined) continue;
        found.push(at);
        open.delete(key);
      }
      // Nothing older can have written a chunk of an array that was made here.
      if (diff.newArrays.includes(name)) {
        found.push(...open.values());
        open.clear();
      }
      tell(
        newer,
        found.sort((a, b) => a - b),
      );
      for (const { from, to } of diff.moved) {
        if (name === to || name.startsWith(`${to}/`)) name = from + name.slice(to.length);
      }
      if (open.size === 0) return blames;
    }
    newer = entry;
  }
  if (newer !== undefined) tell(newer, [...open.values()]);
  return blames;
}
