/**
 * An Icechunk repository as a source: one of its snapshots.
 *
 * @module
 */

import type { Ref } from "../icechunk/history.ts";
import { Repository } from "../icechunk/repository.ts";
import type { StorageRouter } from "../storage/router.ts";
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
  const { signal } = options;
  const authorize = authorizationFor(address, options.authorize);
  const repository = await Repository.open(storage, address, { signal, authorize });
  const session = await repository.readonlySession(await refOf(repository, options), { signal });
  const root = session.node("/");
  if (root?.kind === "fault") throw root.error;
  return {
    address,
    format: "icechunk",
    root: root ?? session.root,
    storage,
    isNative: (location) => session.isNative(location),
    statistics: () => storage.statistics,
    close: () => Promise.resolve(),
  };
}

/** What a name means: a branch, a tag or a snapshot, in this order. */
async function refOf(repository: Repository, { ref, asOf, signal }: SourceOptions): Promise<Ref> {
  if (ref === undefined) return { asOf };
  if ((await repository.listBranches({ signal })).has(ref)) return { branch: ref, asOf };
  if ((await repository.listTags({ signal })).has(ref)) return { tag: ref, asOf };
  return { snapshotId: ref, asOf };
}
