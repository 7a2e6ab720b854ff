/**
 * Takes native copies of chunks whose source changed or went: from older snapshots, or from copies of the files.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import { entryCoordinates, entryLocation, findEntry } from "../../manifest/chunk-manifest.ts";
import type { StorageRouter } from "../../storage/router.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import { gridPosition } from "../../zarr/chunk-grid.ts";
import { PLACE_RANGE } from "../../zarr/chunk-source.ts";
import { ZarrArray } from "../../zarr/node.ts";
import { listed } from "../listed-names.ts";
import type { Repository } from "../repository.ts";
import { hasSameForm } from "../storage-form.ts";
import type { ArrayBatch, Batch } from "./chunk-batches.ts";
import { type CampaignOptions, type CampaignSummary, commitBatches } from "./commit-batches.ts";
import { type Copy, findCopies } from "./copies.ts";
import { DEFAULT_BUDGET } from "./materialize.ts";
import type { StaleChunks, StaleSource } from "./stale-sources.ts";
import { type PlaceFilter, storeChunks } from "./store-chunks.ts";

export interface PinOptions extends Pick<CampaignOptions, "signal" | "onProgress"> {
  readonly branch: string;
  readonly storage: StorageRouter;
  readonly copies?: readonly string[] | undefined;
  readonly from?: string | undefined;
  readonly message?: string | undefined;
}

/** Chunks that are copied from one place. */
interface Pinned {
  readonly batch: Batch;
  readonly origin: (path: string) => ZarrArray;
}

/**
 * Makes every chunk in stale sources native, in commits of bounded bytes.
 *
 * Errors: `NotFound` for chunks without a copy: nothing is changed then; `Incompatible` for files that are no copies;
 * `CorruptChunk` for chunks that cannot be decoded.
 *
 * @param recorded versions that the history tells
 */
export async function pin(
  repository: Repository,
  session: Session,
  stale: readonly StaleSource[],
  recorded: ReadonlyMap<string, Version>,
  options: PinOptions,
): Promise<CampaignSummary> {
  const { signal, branch, onProgress } = options;
  const sources = new Set(stale.map(({ source }) => source));
  const chunks: StaleChunks[] = [];
  for (const path of new Set(stale.flatMap(({ paths }) => paths))) {
    const manifest = await session.manifest(path, { signal });
    const entries: number[] = [];
    for (let entry = 0; entry < manifest.count; entry++) {
      if (!manifest.inline.has(entry) && sources.has(entryLocation(manifest, entry))) entries.push(entry);
    }
    chunks.push({ path, manifest, entries });
  }
  if (chunks.every(({ entries }) => entries.length === 0)) return { commits: [], chunks: 0, bytes: 0 };
  const pinned =
    options.copies === undefined
      ? await fromSnapshots(repository, session, chunks, options)
      : fromCopies(session, chunks, await findCopies(options.copies, stale, chunks, recorded, options));
  const isStale: PlaceFilter = (places, chunk) =>
    places.kinds[chunk] === PLACE_RANGE &&
    sources.has(places.locations[places.locationIndexes[chunk] ?? 0] ?? "");
  async function* inOrder(): AsyncGenerator<Pinned, void, undefined> {
    yield* pinned;
  }
  return await commitBatches(
    repository,
    inOrder(),
    (writable, { batch, origin }) => storeChunks(writable, batch, isStale, { origin, signal }),
    {
      branch,
      rebase: true,
      message: options.message ?? `pinned chunks of ${listed([...sources])}`,
      onProgress,
      signal,
    },
  );
}

/** Chunks as they lie in copies of the files. */
function fromCopies(
  session: Session,
  chunks: readonly StaleChunks[],
  copies: ReadonlyMap<string, Copy>,
): Pinned[] {
  const origin = (path: string): ZarrArray => {
    const { metadata, storage, chunks: own } = session.array(path);
    return new ZarrArray({
      metadata,
      storage,
      path,
      chunks: {
        async locate(coordinates, count, options) {
          const places = await own.locate(coordinates, count, options);
          const from = places.locations.map((location) => copies.get(location));
          return {
            ...places,
            locations: places.locations.map((location, at) => from[at]?.address ?? location),
            versions: places.locations.map((_, at) => from[at]?.version ?? places.versions?.[at]),
          };
        },
      },
    });
  };
  return [...batchesOf(chunks)].map((batch) => ({ batch, origin }));
}

/** For each chunk the newest snapshot in which it was native or inline. */
async function fromSnapshots(
  repository: Repository,
  session: Session,
  chunks: readonly StaleChunks[],
  { from, signal }: PinOptions,
): Promise<Pinned[]> {
  const left = new Map(chunks.map((own) => [own.path, own]));
  const pinned: Pinned[] = [];
  for await (const id of snapshots(repository, session, from, { signal })) {
    const older = await repository.readonlySession({ snapshotId: id }, { signal });
    const taken: StaleChunks[] = [];
    for (const [path, own] of left) {
      if (!canTake(session.array(path), older, path)) continue;
      const before = await older.manifest(path, { signal });
      const isNative = (entry: number): boolean => {
        const position = gridPosition(entryCoordinates(own.manifest, entry), before.gridShape);
        const found = position < 0 ? -1 : findEntry(before, position);
        return found >= 0 && (before.inline.has(found) || older.isNative(entryLocation(before, found)));
      };
      taken.push({ ...own, entries: own.entries.filter(isNative) });
      const rest = own.entries.filter((entry) => !isNative(entry));
      if (rest.length > 0) left.set(path, { ...own, entries: rest });
      else left.delete(path);
    }
    const origin = (path: string): ZarrArray => older.array(path);
    pinned.push(...[...batchesOf(taken)].map((batch) => ({ batch, origin })));
    if (left.size === 0) return pinned;
  }
  requireNone([...left.values()]);
  return pinned;
}

/** The snapshot that is asked for, or those before the session's, newest first. */
async function* snapshots(
  repository: Repository,
  session: Session,
  name: string | undefined,
  options: StorageOptions,
): AsyncGenerator<string, void, undefined> {
  if (name !== undefined) {
    yield await repository.resolve(await repository.refNamed(name, options), options);
    return;
  }
  for await (const { id } of repository.ancestry({ snapshotId: session.snapshotId }, options)) {
    if (id !== session.snapshotId) yield id;
  }
}

/** Whether the chunks of an older state of an array mean the same. */
function canTake(now: ZarrArray, older: Session, path: string): boolean {
  const node = older.node(path);
  if (node?.kind !== "array") return false;
  const same = JSON.stringify(node.metadata.dataType) === JSON.stringify(now.metadata.dataType);
  return same && hasSameForm(node.metadata, now.metadata);
}

function requireNone(left: readonly StaleChunks[]): void {
  const [first] = left;
  if (first === undefined) return;
  const sources = new Set(
    left.flatMap(({ manifest, entries }) => entries.map((entry) => entryLocation(manifest, entry))),
  );
  const count = left.reduce((sum, { entries }) => sum + entries.length, 0);
  throw new MoraineError(
    "NotFound",
    `no snapshot has a native copy of ${count} chunks of ${listed([...sources])}: copies of the files can be given (--copy)`,
    { source: [...sources][0], path: first.path },
  );
}

/** Chunks in batches of bounded bytes. */
function* batchesOf(chunks: readonly StaleChunks[]): Generator<Batch, void, undefined> {
  let arrays: ArrayBatch[] = [];
  let [count, bytes] = [0, 0];
  for (const { path, manifest, entries } of chunks) {
    let own: ArrayBatch | undefined;
    for (const entry of entries) {
      if (own === undefined) {
        own = { path, coordinates: [], count: 0 };
        arrays.push(own);
      }
      own.coordinates.push(...entryCoordinates(manifest, entry));
      own.count += 1;
      count += 1;
      bytes += manifest.lengths[entry] ?? 0;
      if (bytes < DEFAULT_BUDGET) continue;
      yield { arrays, chunks: count, bytes };
      [arrays, count, bytes, own] = [[], 0, 0, undefined];
    }
  }
  if (count > 0) yield { arrays, chunks: count, bytes };
}
