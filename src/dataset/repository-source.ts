/**
 * An Icechunk repository as a source: one of its snapshots.
 *
 * @module
 */

import { Repository } from "../icechunk/repository.ts";
import type { StorageRouter } from "../storage/router.ts";
import { withChunkCache } from "./chunk-cache.ts";
import type { SourceOptions } from "./open.ts";
import { authorizationFor } from "./repository.ts";
import type { OpenedSource } from "./source.ts";

/**
 * Opens a snapshot of a repository.
 *
 * Errors: `NotFound` for a name that is no branch, tag or snapshot; those of the repository.
 */
export async function openRepositorySource(
  address: string,
  storage: StorageRouter,
  options: SourceOptions,
): Promise<OpenedSource> {
  const { signal, ref, asOf } = options;
  const authorize = authorizationFor(address, options.authorize);
  const session = await Repository.openSession(storage, address, { name: ref, asOf }, { signal, authorize });
  const root = session.node("/");
  if (root?.kind === "fault") throw root.error;
  return {
    address,
    format: "icechunk",
    root: root ?? session.root,
    storage: withChunkCache(storage, options.cacheBytes),
    isNative: (location) => session.isNative(location),
    writings: (paths, given) => session.writings(paths, given),
    statistics: () => storage.statistics,
    close: () => Promise.resolve(),
  };
}
