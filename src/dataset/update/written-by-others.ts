/**
 * What was written into an indexed group since, by people and campaigns: an index that is made anew leaves it.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { gridCoordinates } from "../../zarr/chunk-grid.ts";
import { recordOf } from "../index/index-record.ts";
import type { Repository } from "../repository.ts";

/** What others wrote. */
export interface Written {
  /** Arrays and groups that were made, or made anew. */
  readonly made: ReadonlySet<string>;
  /** With other metadata. */
  readonly updated: ReadonlySet<string>;
  /** Grid coordinates of chunks that were set or deleted, by array; some may come twice. */
  readonly chunks: ReadonlyMap<string, readonly (readonly number[])[]>;
}

/**
 * Follows the history back to the commit that began a group, and gathers what commits that are no index of it wrote.
 *
 * Errors: `Incompatible` where arrays were moved; those of the repository's files.
 */
export async function writtenByOthers(
  repository: Repository,
  tip: string,
  group: string,
  options: StorageOptions = {},
): Promise<Written> {
  const made = new Set<string>();
  const updated = new Set<string>();
  const chunks = new Map<string, (readonly number[])[]>();
  /** Arrays that were laid out anew: older coordinates are of another grid. */
  const closed = new Set<string>();
  const gather = async (before: string, after: string): Promise<void> => {
    const diff = await repository.diff({ snapshotId: before }, { snapshotId: after }, options);
    const [move] = diff.moved;
    if (move) {
      throw new MoraineError("Incompatible", `${move.from} was moved to ${move.to} since it was indexed`, {
        source: repository.address,
        path: move.to,
      });
    }
    for (const path of [...diff.newArrays, ...diff.newGroups]) made.add(path);
    for (const path of [...diff.updatedArrays, ...diff.updatedGroups]) updated.add(path);
    for (const [path, written] of diff.updatedChunks) {
      if (closed.has(path)) continue;
      chunks.set(path, [...(chunks.get(path) ?? []), ...written]);
    }
  };
  let newest: string | undefined;
  for await (const { id, metadata } of repository.ancestry({ snapshotId: tip }, options)) {
    const record = recordOf(metadata);
    if (record?.group !== group) {
      newest ??= id;
      continue;
    }
    // What others wrote between two indexes, in one look.
    if (newest !== undefined) await gather(id, newest);
    newest = undefined;
    for (const [path, { gridShape, runs }] of record.carried ?? []) {
      if (closed.has(path)) continue;
      closed.add(path);
      const positions = runs.flatMap(([first, count]) =>
        Array.from({ length: count }, (_, at) => first + at),
      );
      const written = positions.map((position) => gridCoordinates(position, gridShape));
      chunks.set(path, [...(chunks.get(path) ?? []), ...written]);
    }
    if (record.isWhole && record.keeps !== true) break;
  }
  return { made, updated, chunks };
}
