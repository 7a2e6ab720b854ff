/**
 * Rewrites whole arrays in another encoding: other chunks, codecs, shards.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../../zarr/node.ts";
import { ChunkEncoder } from "../../zarr/write/chunk-encoder.ts";
import { slabs } from "../digest.ts";
import { type AddressedRepositoryOptions, Repository } from "../repository.ts";
import { hasSameForm, inForm, type StorageForm } from "../storage-form.ts";
import { arrayPaths } from "./chunk-batches.ts";
import { type CampaignOptions, type CampaignSummary, commitBatches } from "./commit-batches.ts";
import { cellsOf, wholeGrid } from "./grid-box.ts";
import { hashOf, type StoredCounts } from "./store-chunks.ts";

/** Which arrays are stored anew, and how. */
export interface RewriteOptions
  extends AddressedRepositoryOptions,
    StorageForm,
    Pick<CampaignOptions, "onProgress"> {
  /** An array, or a group whose arrays are meant. Default: everything. */
  readonly path?: string | undefined;
  /** Default main. */
  readonly branch?: string | undefined;
  readonly message?: string | undefined;
}

/**
 * Stores arrays anew in another encoding, each in one commit in which the new array takes the place of the old one.
 * Its values are compared with the old ones before the commit. An array that has the encoding already is passed over.
 *
 * Memory: some decoded chunks of the new encoding.
 *
 * Errors: `InvalidArgument` for the encoding; those of reading; `CorruptChunk` where values differ.
 *
 * @example
 * await rewrite("archive.icechunk", { path: "/sst", recompress: "zstd", chunks: { time: 24 }, shards: { time: 240 } });
 */
export async function rewrite(address: string, options: RewriteOptions = {}): Promise<CampaignSummary> {
  const { path, branch = "main", onProgress, signal } = options;
  const repository = await Repository.open(address, options);
  const session = await repository.readonlySession({ branch }, { signal });
  async function* paths(): AsyncGenerator<string, void, undefined> {
    yield* arrayPaths(session, path);
  }
  return await commitBatches(
    repository,
    paths(),
    async (writable, own) => {
      const before = await repository.readonlySession({ snapshotId: writable.snapshotId }, { signal });
      return await rewriteArray(writable, before.array(own), options, { signal });
    },
    { branch, message: options.message ?? `rewrote ${path ?? "/"}`, onProgress, signal },
  );
}

/** @param before the array as it was, of a session that does not change */
async function rewriteArray(
  session: Session,
  before: ZarrArray,
  form: StorageForm,
  options: StorageOptions,
): Promise<StoredCounts> {
  const { path } = before;
  const metadata = inForm(before.metadata, form);
  if (hasSameForm(metadata, before.metadata)) return { chunks: 0, bytes: 0 };
  session.delete(path);
  session.createArray(path, metadata);
  const encoder = await ChunkEncoder.create(metadata);
  const sink = session.sink(path);
  let chunks = 0;
  let bytes = 0;
  for (const coordinates of cellsOf(wholeGrid(metadata))) {
    options.signal?.throwIfAborted();
    const encoded = await encoder.encode(
      coordinates,
      (start, shape) => before.readRegion(start, shape, options),
      options,
    );
    if (encoded === undefined) continue;
    await sink.write({ count: 1, coordinates: Float64Array.from(coordinates), bytes: [encoded] }, options);
    chunks += 1;
    bytes += encoded.length;
  }
  await requireSame(before, session.array(path), options);
  return { chunks: Math.max(chunks, 1), bytes };
}

async function requireSame(before: ZarrArray, after: ZarrArray, options: StorageOptions): Promise<void> {
  for (const box of slabs(after.metadata)) {
    const start = box.map(([first]) => first);
    const shape = box.map(([first, end]) => end - first);
    const [old, now] = [
      hashOf(await before.readRegion(start, shape, options)),
      hashOf(await after.readRegion(start, shape, options)),
    ];
    if (old !== now) {
      throw new MoraineError("CorruptChunk", `the values from ${start.join("/")} on are not the same`, {
        path: after.path,
      });
    }
  }
}
