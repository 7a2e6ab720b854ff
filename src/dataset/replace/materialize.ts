/**
 * Makes virtual chunks native: their bytes are taken into the repository as they are.
 *
 * @module
 */

import { entryLocation } from "../../manifest/chunk-manifest.ts";
import { type AddressedRepositoryOptions, Repository } from "../repository.ts";
import { batches } from "./chunk-batches.ts";
import { type CampaignOptions, type CampaignSummary, commitBatches } from "./commit-batches.ts";
import { isVirtual, storeChunks } from "./store-chunks.ts";
import { type Condition, parseConditions } from "./where.ts";

/** Stored bytes of a commit. */
export const DEFAULT_BUDGET: number = 256 * 1024 * 1024;

/** Which chunks become native, and how much at a time. */
export interface MaterializeOptions extends AddressedRepositoryOptions, Pick<CampaignOptions, "onProgress"> {
  /** An array, or a group whose arrays are meant. Default: everything. */
  readonly path?: string | undefined;
  /** Only chunks of this part: `time=2020-01..2020-12,lat=0:10`, or conditions. */
  readonly where?: string | readonly Condition[] | undefined;
  /** Default main. */
  readonly branch?: string | undefined;
  /** Stored bytes of one commit at the most. Default 256 MiB. */
  readonly budget?: number | undefined;
  readonly message?: string | undefined;
}

/**
 * Turns virtual chunks of a repository into native ones, packed into objects, commit after commit. Values stay what
 * they were: every chunk is decoded from both places and compared before its commit. Interrupted, it is simply called
 * again: what is native already is passed over.
 *
 * Memory: encoded bytes of 32 MiB or one chunk, and eight decoded chunks.
 *
 * Errors: `NotFound`, `Unauthorized`, `SourceChanged`, `CorruptChunk`, `InvalidArgument` for the part.
 *
 * @example
 * await materialize("archive.icechunk", { path: "/sst", where: "time=2020..2021" });
 */
export async function materialize(
  address: string,
  options: MaterializeOptions = {},
): Promise<CampaignSummary> {
  const { path, branch = "main", budget = DEFAULT_BUDGET, onProgress, signal } = options;
  const where = typeof options.where === "string" ? parseConditions(options.where) : options.where;
  const repository = await Repository.open(address, options);
  const session = await repository.readonlySession({ branch }, { signal });
  const virtual = batches(
    session,
    (manifest, entry) => !manifest.inline.has(entry) && !session.isNative(entryLocation(manifest, entry)),
    { path, where, budget, signal },
  );
  return await commitBatches(
    repository,
    virtual,
    (writable, batch) => storeChunks(writable, batch, isVirtual(writable), { signal }),
    { branch, message: options.message ?? `materialized ${path ?? "/"}`, rebase: true, onProgress, signal },
  );
}
