/**
 * Repacks chunk objects of which little is still in use.
 *
 * @module
 */

import type { Session } from "../../icechunk/session/session.ts";
import { entryLocation } from "../../manifest/chunk-manifest.ts";
import { joinAddress } from "../../storage/address.ts";
import { StorageRouter } from "../../storage/router.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import { PLACE_RANGE } from "../../zarr/chunk-source.ts";
import { type AddressedRepositoryOptions, Repository } from "../repository.ts";
import { arrayPaths, batches } from "./chunk-batches.ts";
import { type CampaignOptions, type CampaignSummary, commitBatches } from "./commit-batches.ts";
import { DEFAULT_BUDGET } from "./materialize.ts";
import { storeChunks } from "./store-chunks.ts";

/** Which objects are repacked, and how much at a time. */
export interface CompactOptions extends AddressedRepositoryOptions, Pick<CampaignOptions, "onProgress"> {
  /** Default main. */
  readonly branch?: string | undefined;
  /** Objects of whose bytes less than this share is in use are repacked. Default 0.5. */
  readonly threshold?: number | undefined;
  /** Stored bytes of one commit at the most. Default 256 MiB. */
  readonly budget?: number | undefined;
  readonly message?: string | undefined;
}

/** What was repacked. */
export interface CompactSummary extends CampaignSummary {
  /** Chunk objects that the branch refers to. */
  readonly objects: number;
  /** Those of them that were repacked; garbage collection deletes them once no snapshot refers to them. */
  readonly repacked: number;
}

/**
 * Stores the chunks that are left in mostly overwritten objects together in new ones. Older snapshots keep the old
 * objects until they are expired and collected.
 *
 * Errors: as `materialize`.
 *
 * @param address of the repository
 * @example
 * const { objects, repacked } = await compact("archive.icechunk", { threshold: 0.3 });
 */
export async function compact(address: string, options: CompactOptions = {}): Promise<CompactSummary> {
  const { branch = "main", threshold = 0.5, budget = DEFAULT_BUDGET, onProgress, signal } = options;
  const storage = options.storage ?? new StorageRouter(options);
  const repository = await Repository.open(address, { ...options, storage });
  const session = await repository.readonlySession({ branch }, { signal });
  const used = await usedBytes(session, { signal });
  const sparse = new Set<string>();
  for (const [object, size] of await objectSizes(storage, session.address, { signal })) {
    const bytes = used.get(object);
    if (bytes !== undefined && bytes < threshold * size) sparse.add(object);
  }
  const left = batches(
    session,
    (manifest, entry) => !manifest.inline.has(entry) && sparse.has(entryLocation(manifest, entry)),
    { budget, signal },
  );
  const summary = await commitBatches(
    repository,
    left,
    (writable, batch) =>
      storeChunks(
        writable,
        batch,
        (places, chunk) =>
          places.kinds[chunk] === PLACE_RANGE &&
          sparse.has(places.locations[places.locationIndexes[chunk] ?? 0] ?? ""),
        { signal },
      ),
    { branch, message: options.message ?? "repacked chunks", rebase: true, onProgress, signal },
  );
  return { ...summary, objects: used.size, repacked: sparse.size };
}

/** Bytes of each chunk object that a session refers to; those of two references count twice. */
async function usedBytes(session: Session, options: StorageOptions): Promise<Map<string, number>> {
  const used = new Map<string, number>();
  for (const path of arrayPaths(session)) {
    const manifest = await session.manifest(path, options);
    for (let entry = 0; entry < manifest.count; entry++) {
      const location = entryLocation(manifest, entry);
      if (manifest.inline.has(entry) || !session.isNative(location)) continue;
      used.set(location, (used.get(location) ?? 0) + (manifest.lengths[entry] ?? 0));
    }
  }
  return used;
}

async function objectSizes(
  storage: Storage,
  repository: string,
  options: StorageOptions,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { address, size } of storage.list(joinAddress(repository, "chunks/"), options)) {
    if (size !== undefined) sizes.set(address, size);
  }
  return sizes;
}
