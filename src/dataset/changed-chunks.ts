/**
 * What became of the chunks that changed between two snapshots: where they lay and lie, and who wrote them.
 *
 * @module
 */

import type { HistoryEntry, Ref, SnapshotRef } from "../icechunk/history.ts";
import type { Session } from "../icechunk/session/session.ts";
import { filterEntries } from "../manifest/select-chunks.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { gridPosition } from "../zarr/chunk-grid.ts";
import { countsOf, type Share, sharesOfArray } from "./provenance.ts";
import type { Repository } from "./repository.ts";

/** Chunks of one array that changed. */
export interface ChangedChunks {
  readonly path: string;
  readonly count: number;
  /** Where they lay before, and where they lie after; what is missing was not stored. */
  readonly before: ChangedState;
  readonly after: ChangedState;
  /** Commits that wrote any of them, newest first, and how many each. */
  readonly commits: readonly { readonly entry: HistoryEntry; readonly chunks: number }[];
}

export interface ChangedState {
  readonly chunks: Readonly<Record<"virtual" | "native" | "inline" | "missing", number>>;
  /** Most chunks first. */
  readonly shares: readonly Share[];
}

/**
 * Looks at every array of which chunks changed. One manifest is in memory at a time.
 *
 * Errors: as `Repository.diff`.
 *
 * @example
 * for await (const { path, before, after } of changedChunks(repository, { tag: "v1" }, {})) {
 *   console.log(path, before.chunks.virtual, after.chunks.native);
 * }
 */
export async function* changedChunks(
  repository: Repository,
  from: SnapshotRef,
  to: Ref = {},
  options: StorageOptions = {},
): AsyncGenerator<ChangedChunks, void, undefined> {
  const { updatedChunks } = await repository.diff(from, to, options);
  const [first, last] = [
    await repository.readonlySession(from, options),
    await repository.readonlySession(to, options),
  ];
  const paths = [...updatedChunks.keys()].filter((path) => last.node(path)?.kind === "array");
  const commits = new Map(paths.map((path): [string, ChangedChunks["commits"][number][]] => [path, []]));
  for await (const { entry, chunks } of last.writings(paths, options)) {
    if (entry.id === first.snapshotId) break;
    for (const [path, { count }] of chunks) commits.get(path)?.push({ entry, chunks: count });
  }
  for (const path of paths) {
    const coordinates = updatedChunks.get(path) ?? [];
    yield {
      path,
      count: coordinates.length,
      before: await stateOf(first, path, coordinates, options),
      after: await stateOf(last, path, coordinates, options),
      commits: commits.get(path) ?? [],
    };
  }
}

async function stateOf(
  session: Session,
  path: string,
  coordinates: readonly (readonly number[])[],
  options: StorageOptions,
): Promise<ChangedState> {
  const node = session.node(path);
  if (node?.kind !== "array") {
    return { chunks: { virtual: 0, native: 0, inline: 0, missing: coordinates.length }, shares: [] };
  }
  const manifest = await session.manifest(path, options);
  const wanted = new Set(coordinates.map((chunk) => gridPosition(chunk, manifest.gridShape)));
  const changed = filterEntries(manifest, (_, position) => wanted.has(position));
  const shares = sharesOfArray(changed, (location) => session.isNative(location));
  const counts = countsOf(shares);
  const stored = counts.virtual + counts.native + counts.inline;
  return { chunks: { ...counts, missing: coordinates.length - stored }, shares };
}
