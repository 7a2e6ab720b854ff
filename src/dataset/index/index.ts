/**
 * Scans sources and writes references to their chunks.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { refuseSecrets } from "../../storage/address.ts";
import { StorageRouter } from "../../storage/router.ts";
import { addressOf } from "../open.ts";
import { absolutePath } from "../source.ts";
import { type Change, changeOf, type Update } from "./change.ts";
import { type IndexRecord, recordToJson, type WrittenRecord } from "./index-record.ts";
import { completedIndex, versionsOf } from "./known-sources.ts";
import type { IndexingOptions, IndexOptions } from "./options.ts";
import type { IndexPlan } from "./plan.ts";
import { planInForm } from "./plan-form.ts";
import { Scan } from "./scan.ts";
import type { IndexSummary, Note, TargetFormat } from "./summary.ts";
import type { Committed } from "./target.ts";
import { openTarget } from "./targets.ts";
import { writePlan } from "./write.ts";
import type { WrittenCounts } from "./written-counts.ts";

export type { IndexOptions, IndexProgress } from "./options.ts";

/**
 * Writes references to the chunks of sources into a repository (one commit), a Zarr store or Kerchunk references. One
 * source becomes the root, several become groups named after their files, or one dataset with `concat`, `byCoords` or
 * `append`.
 *
 * Everything is scanned before anything is written: where a source is refused, the target is as it was. What was left
 * out or stored decoded is in the summary.
 *
 * Errors: those of opening a source, with its address; `AlreadyExists` where the target has what would be written;
 * `Incompatible` where sources do not fit together, or what was written since has no place any more; `Conflict` where
 * others committed while sources were appended.
 *
 * @example
 * const summary = await index(["a.nc", "b.nc"], "archive.icechunk", { message: "first two" });
 */
export async function index(
  sources: string | readonly string[],
  target: string,
  options: IndexOptions = {},
): Promise<IndexSummary> {
  const started = performance.now();
  const addresses = typeof sources === "string" ? [sources] : sources;
  if (addresses.length === 0 && options.update !== true) {
    throw new MoraineError("InvalidArgument", "there is nothing to index");
  }
  const storage = options.storage ?? new StorageRouter(options);
  const address = addressOf(target);
  const format = options.format ?? targetFormat(address);
  const change = await changeOf(address, format, addresses.map(addressOf), { ...options, storage });
  if (change.update !== undefined) {
    const made = await updated(change, change.update, { ...options, storage }, options.storage === undefined);
    return { ...made, target: address, format, statistics: statisticsOf(storage, made.sources, started) };
  }
  if (change.addresses.length === 0) {
    return {
      ...unchanged(address, format, change, options),
      statistics: statisticsOf(storage, [], started),
    };
  }
  // Kerchunk Parquet has no chunks of different lengths.
  const grid = options.grid ?? (format === "kerchunk-parquet" ? "regular" : undefined);
  const chosen: IndexingOptions = { ...options, grid, ...change.options, append: change.append, storage };
  const scan = new Scan(change.addresses, chosen, options.storage === undefined);
  for (const source of scan.addresses) refuseSecrets(source);
  const found = await scan.plan(address, change.append === undefined ? undefined : change.base);
  const plan = await planInForm(found, options, options);
  const written = await write(plan, address, format, { ...chosen, base: change.base }, scan);
  const { counts, leftOut, committed, notes } = written;
  return {
    target: address,
    format,
    ...committed,
    sources: scan.addresses,
    ...countsOf(counts),
    decoded: plan.decoded,
    leftOut: [...scan.failed, ...plan.leftOut, ...leftOut],
    notes: [...change.notes, ...notes, ...plan.notes],
    statistics: statisticsOf(storage, scan.addresses, started),
  };
}

/** Brings a group up to date. */
async function updated(
  { notes }: Change,
  { repository, change }: Update,
  options: IndexingOptions,
  mayThread: boolean,
): Promise<Omit<IndexSummary, "target" | "format" | "statistics">> {
  const { updateGroup } = await import("../update/update-group.ts");
  const made = await updateGroup(repository, change, { ...options, mayThread });
  const { plan, committed, scanned, leftOut } = made;
  return {
    ...committed,
    sources: scanned,
    ...countsOf(made.counts),
    decoded: plan.decoded,
    leftOut: [...plan.leftOut, ...leftOut],
    notes: [...notes, ...made.notes, ...plan.notes],
  };
}

function countsOf(
  counts: WrittenCounts,
): Pick<IndexSummary, "groups" | "arrays" | "chunks" | "virtualBytes" | "writtenBytes"> {
  const { groups, arrays, virtual, native, inline, missing, virtualBytes, writtenBytes } = counts;
  return { groups, arrays, chunks: { virtual, native, inline, missing }, virtualBytes, writtenBytes };
}

/** Sources that are told one by one. */
const TOLD_SOURCES = 1000;

function statisticsOf(
  storage: StorageRouter,
  sources: readonly string[],
  started: number,
): IndexSummary["statistics"] {
  return {
    ...storage.statistics,
    seconds: (performance.now() - started) / 1000,
    sources:
      sources.length > TOLD_SOURCES
        ? []
        : sources.map((source) => ({ source, ...storage.trafficOf(source) })),
  };
}

/** The summary where there was nothing to do. */
function unchanged(
  target: string,
  format: TargetFormat,
  { base: snapshot, notes }: Change,
  { branch = "main" }: IndexOptions,
): Omit<IndexSummary, "statistics"> {
  return {
    target,
    format,
    snapshot,
    branch,
    sources: [],
    groups: 0,
    arrays: 0,
    chunks: { virtual: 0, native: 0, inline: 0, missing: 0 },
    virtualBytes: 0,
    writtenBytes: 0,
    decoded: [],
    leftOut: [],
    notes: [...notes, { source: target, path: "/", note: "there is nothing new: nothing was committed" }],
  };
}

/** The kind of target that an address names by its ending. */
function targetFormat(address: string): TargetFormat {
  const ending = /\.([a-z]+)\/?$/i.exec(address)?.[1]?.toLowerCase();
  if (ending === "json") return "kerchunk-json";
  if (ending === "parquet" || ending === "parq") return "kerchunk-parquet";
  return ending === "zarr" ? "zarr" : "icechunk";
}

async function write(
  plan: IndexPlan,
  address: string,
  format: TargetFormat,
  options: IndexingOptions & Pick<Change, "base">,
  scan: Scan,
): Promise<Written> {
  const { signal, strict = false, message } = options;
  const target = await openTarget(address, format, plan, options);
  try {
    const written = await writePlan(plan, target, {
      signal,
      strict,
      copies: format === "zarr" && options.virtual !== true,
      onProgress: (current) => scan.progress(current),
    });
    signal?.throwIfAborted();
    const metadata =
      format === "icechunk" ? recordToJson({ ...(await recordOf(plan, options, scan)), written }) : undefined;
    // Sources that hold nothing yet change no array, but are known from now on.
    const allowEmpty = options.append !== undefined;
    const committed = await target.commit(message ?? defaultMessage(scan.addresses), {
      signal,
      metadata,
      allowEmpty,
    });
    return { ...written, committed, notes: [] };
  } catch (error) {
    await target.abandon();
    const isAgain = isMoraineError(error, "AlreadyExists") && format === "icechunk";
    const before = isAgain ? await writtenBefore(plan, address, options, scan) : undefined;
    if (before) return before;
    throw error;
  }
}

interface Written extends WrittenRecord {
  readonly committed: Committed;
  readonly notes: readonly Note[];
}

/** The same index, where it was committed before: it may have been cut off between its commit and its end. */
async function writtenBefore(
  plan: IndexPlan,
  address: string,
  options: IndexingOptions,
  scan: Scan,
): Promise<Written | undefined> {
  const { storage, signal, branch = "main" } = options;
  const { Repository } = await import("../../icechunk/repository.ts");
  const repository = await Repository.open(storage, address, { signal });
  const record = await recordOf(plan, options, scan);
  const done = await completedIndex(repository, branch, record, { signal });
  if (done === undefined) return undefined;
  const { snapshot, counts, leftOut } = done;
  const note = "it is complete: the repository holds this already, and nothing was committed";
  return {
    counts,
    leftOut,
    committed: { snapshot, branch },
    notes: [{ source: address, path: record.group, note }],
  };
}

/** What the commit keeps of where everything came from. */
async function recordOf(plan: IndexPlan, options: IndexingOptions, scan: Scan): Promise<IndexRecord> {
  const { chunks, shards, recompress, splitChunks, describe = false, materializeLimit } = options;
  return {
    form: JSON.stringify({ chunks, shards, recompress, splitChunks, describe, materializeLimit }),
    group: absolutePath(options.group ?? "/"),
    isWhole: options.append === undefined,
    sources: await versionsOf(scan.indexed, plan, options.storage, { signal: options.signal }),
    options,
    dimensions: plan.places?.dimensions,
  };
}

function defaultMessage(addresses: readonly string[]): string {
  const [first = ""] = addresses;
  return addresses.length === 1 ? `index ${first}` : `index ${addresses.length} sources, the first ${first}`;
}
