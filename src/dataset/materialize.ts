/**
 * Turns virtual chunks into native ones, region by region, without changing a value.
 *
 * @module
 */

import { createSha256 } from "../binary/sha256.ts";
import type { ChunkData } from "../codecs/codec.ts";
import { MoraineError } from "../errors.ts";
import type { Repository } from "../icechunk/repository.ts";
import type { Session } from "../icechunk/session.ts";
import type { ChunkManifest } from "../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { chunkExtent, gridShapeOf } from "../zarr/chunk-grid.ts";
import type { ZarrArray } from "../zarr/node.ts";
import { axisChunksOf } from "../zarr/read/axis-chunks.ts";
import { ChunkEncoder } from "../zarr/write/chunk-encoder.ts";
import { arraysBelow, partOf, touches } from "./campaign.ts";
import { slabs } from "./digest.ts";
import { entryCoordinates } from "./references.ts";
import { changesForm, hasSameForm, inForm, type StorageForm } from "./storage-form.ts";
import type { Where } from "./where.ts";

export interface MaterializeOptions extends StorageOptions, StorageForm {
  /** An array, or a group whose arrays are all meant. Default: everything. */
  readonly path?: string | undefined;
  readonly where?: Where | undefined;
  readonly branch?: string | undefined;
  readonly message?: string | undefined;
  /** Encoded bytes that one commit makes native. Default 1 GiB. */
  readonly budget?: number | undefined;
  /** Commits at the most; what is left is done by the next call. Default: until nothing is left. */
  readonly commits?: number | undefined;
  readonly onProgress?: ((progress: { readonly chunks: number; readonly bytes: number }) => void) | undefined;
}

export interface MaterializeSummary {
  /** Ids of the commits that were made. */
  readonly commits: readonly string[];
  readonly chunks: number;
  /** Encoded bytes that were made native. */
  readonly bytes: number;
  /** Virtual chunks of what is meant that are left. */
  readonly remaining: number;
}

const MAIN = "main";
const BUDGET = 1024 ** 3;
/** Encoded bytes that are fetched at a time. */
const BATCH_BYTES = 16 * 1024 * 1024;

/**
 * Makes chunks native: their encoded bytes are copied as they are into the repository, each is decoded before and
 * after, and the values are compared before anything is committed. With another form (chunks, shards, compression)
 * whole arrays are rewritten beside and put in their place in one commit.
 *
 * It goes on where an earlier call stopped: what is native already is passed over.
 *
 * Errors: those of reading the sources; `CorruptChunk` where a value would change, and then nothing is committed.
 */
export async function materialize(
  repository: Repository,
  options: MaterializeOptions = {},
): Promise<MaterializeSummary> {
  return changesForm(options)
    ? await rewriteArrays(repository, options)
    : await copyChunks(repository, options);
}

/** A virtual chunk that is to be copied. */
interface Pending {
  readonly path: string;
  readonly manifest: ChunkManifest;
  readonly entry: number;
}

async function copyChunks(repository: Repository, options: MaterializeOptions): Promise<MaterializeSummary> {
  const { signal, branch = MAIN, budget = BUDGET, commits: most = Number.POSITIVE_INFINITY } = options;
  const commits: string[] = [];
  let chunks = 0;
  let bytes = 0;
  for (;;) {
    const session = await repository.writableSession(branch, { signal });
    const base = await repository.readonlySession({ snapshotId: session.snapshotId }, { signal });
    const pending = await virtualChunks(session, options);
    if (pending.length === 0 || commits.length >= most) {
      return { commits, chunks, bytes, remaining: pending.length };
    }
    let taken = 0;
    for (const batch of batches(pending, budget)) {
      signal?.throwIfAborted();
      const copied = await copyBatch(base, session, batch, repository, options);
      taken += copied;
      chunks += batch.length;
      options.onProgress?.({ chunks, bytes: bytes + taken });
    }
    bytes += taken;
    const message = options.message ?? `make ${options.path ?? "/"} native: ${taken} bytes`;
    commits.push(await session.commit(message, { signal }));
  }
}

/** The virtual chunks of what is meant, array by array in the order of their grids. */
async function virtualChunks(session: Session, options: MaterializeOptions): Promise<Pending[]> {
  const pending: Pending[] = [];
  for (const path of arraysBelow(session, options.path ?? "/")) {
    const array = session.array(path);
    const box = await partOf(session, array, options.where, options);
    if (box === undefined) continue;
    const axes = axisChunksOf(array.chunkGrid);
    const manifest = await session.manifest(path, options);
    const virtual = manifest.locations.map((location) => !session.isNative(location));
    for (let entry = 0; entry < manifest.count; entry++) {
      if (manifest.inline.has(entry) || !virtual[manifest.locationIndexes?.[entry] ?? 0]) continue;
      if (options.where === undefined || touches(axes, entryCoordinates(manifest, entry), box)) {
        pending.push({ path, manifest, entry });
      }
    }
  }
  return pending;
}

/** Runs of chunks of one array and one location, together at most the budget (but one chunk at least). */
function* batches(pending: readonly Pending[], budget: number): Generator<Pending[], void, undefined> {
  let batch: Pending[] = [];
  let bytes = 0;
  let total = 0;
  for (const chunk of pending) {
    const length = chunk.manifest.lengths[chunk.entry] ?? 0;
    if (total > 0 && total + length > budget) break;
    const [first] = batch;
    const isOther =
      first !== undefined && (first.path !== chunk.path || locationOf(first) !== locationOf(chunk));
    if (batch.length > 0 && (isOther || bytes + length > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(chunk);
    bytes += length;
    total += length;
  }
  if (batch.length > 0) yield batch;
}

function locationOf({ manifest, entry }: Pending): number {
  return manifest.locationIndexes?.[entry] ?? 0;
}

async function copyBatch(
  base: Session,
  session: Session,
  batch: readonly Pending[],
  repository: Repository,
  options: StorageOptions,
): Promise<number> {
  const [first] = batch;
  if (first === undefined) return 0;
  const { manifest, path } = first;
  const [before, after] = [base.array(path), session.array(path)];
  // Through the reader, which checks what may be read and that the source is the one that was scanned.
  const digests: string[] = [];
  for (const { entry } of batch) digests.push(await chunkDigest(before, manifest, entry, options));
  const { parts } = await repository.storage.read(
    manifest.locations[locationOf(first)] ?? "",
    batch.map(({ entry }) => ({
      offset: manifest.offsets[entry] ?? 0,
      length: manifest.lengths[entry] ?? 0,
    })),
    { signal: options.signal, version: manifest.versions[locationOf(first)] },
  );
  let bytes = 0;
  for (const [at, { entry }] of batch.entries()) {
    const encoded = parts[at] ?? new Uint8Array(0);
    await session.setChunk(path, entryCoordinates(manifest, entry), encoded.slice(), options);
    bytes += encoded.length;
  }
  for (const [at, { entry }] of batch.entries()) {
    if ((await chunkDigest(after, manifest, entry, options)) !== digests[at]) {
      throw changed(path, entryCoordinates(manifest, entry));
    }
  }
  return bytes;
}

function changed(path: string, coordinates: readonly number[]): MoraineError {
  return new MoraineError(
    "CorruptChunk",
    `chunk ${coordinates.join("/")} would not read as before; nothing was committed`,
    { path },
  );
}

/** The values of a chunk as a hash. */
async function chunkDigest(
  array: ZarrArray,
  manifest: ChunkManifest,
  entry: number,
  options: StorageOptions,
): Promise<string> {
  const { start, inside } = chunkExtent(array.metadata, entryCoordinates(manifest, entry));
  return hashOf([await array.readRegion(start, inside, { signal: options.signal })]);
}

function hashOf(parts: Iterable<ChunkData>): string {
  const hash = createSha256();
  for (const data of parts) {
    if (data instanceof Uint8Array) hash.update(data);
    else hash.update(new TextEncoder().encode(JSON.stringify(Array.from(data, String))));
  }
  return hash.digest();
}

/** Writes whole arrays in another form, one commit for each. */
async function rewriteArrays(
  repository: Repository,
  options: MaterializeOptions,
): Promise<MaterializeSummary> {
  if (options.where !== undefined) {
    throw new MoraineError(
      "InvalidArgument",
      "an array has one form: chunks, shards and compression change for all of it, not for a part",
    );
  }
  const { signal, branch = MAIN, commits: most = Number.POSITIVE_INFINITY } = options;
  const commits: string[] = [];
  const totals = { chunks: 0, bytes: 0 };
  const start = await repository.readonlySession({ branch }, { signal });
  const paths = arraysBelow(start, options.path ?? "/").filter((path) => {
    const { metadata } = start.array(path);
    return !hasSameForm(inForm(metadata, options), metadata);
  });
  for (const path of paths.slice(0, most)) {
    const session = await repository.writableSession(branch, { signal });
    const base = await repository.readonlySession({ snapshotId: session.snapshotId }, { signal });
    await rewriteArray(base, session, path, options, totals);
    options.onProgress?.(totals);
    commits.push(await session.commit(options.message ?? `store ${path} in another form`, { signal }));
  }
  return { commits, ...totals, remaining: Math.max(paths.length - commits.length, 0) };
}

async function rewriteArray(
  base: Session,
  session: Session,
  path: string,
  options: MaterializeOptions,
  totals: { chunks: number; bytes: number },
): Promise<void> {
  const before = base.array(path);
  const metadata = inForm(before.metadata, options);
  session.delete(path);
  session.createArray(path, metadata);
  const encoder = await ChunkEncoder.create(metadata);
  const gridShape = gridShapeOf(metadata);
  const count = gridShape.reduce((product, length) => product * length, 1);
  for (let position = 0; position < count; position++) {
    options.signal?.throwIfAborted();
    const coordinates = new Array<number>(gridShape.length).fill(0);
    let rest = position;
    for (let axis = gridShape.length - 1; axis >= 0; axis--) {
      const length = gridShape[axis] ?? 1;
      coordinates[axis] = rest % length;
      rest = Math.floor(rest / length);
    }
    const region = (start: readonly number[], shape: readonly number[]) =>
      before.readRegion(start, shape, { signal: options.signal });
    const bytes = await encoder.encode(coordinates, region, { signal: options.signal });
    if (bytes === undefined) continue;
    totals.chunks += 1;
    totals.bytes += bytes.length;
    await session.setChunk(path, coordinates, bytes, { signal: options.signal });
  }
  const after = session.array(path);
  for (const box of slabs(metadata)) {
    const start = box.map(([from]) => from);
    const shape = box.map(([from, to]) => to - from);
    const [was, is] = await Promise.all(
      [before, after].map((array) => array.readRegion(start, shape, { signal: options.signal })),
    );
    if (was === undefined || is === undefined || hashOf([was]) !== hashOf([is])) throw changed(path, start);
  }
}
