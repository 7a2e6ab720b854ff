/**
 * Scans sources and writes references to their chunks.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { StorageRouter } from "../../storage/router.ts";
import { mapConcurrent } from "../concurrent.ts";
import { addressOf, openSource, type SourceOptions } from "../open.ts";
import type { OpenedSource } from "../source.ts";
import { groupNames } from "./group-names.ts";
import { type IndexPlan, joinPlans, type PlanOptions, planSource } from "./plan.ts";
import type { IndexSummary, TargetFormat } from "./summary.ts";
import { openTarget } from "./targets.ts";
import { type WrittenCounts, writePlan } from "./write.ts";

export interface IndexOptions extends SourceOptions {
  /** Kind of the target. Default: by its ending, `.json`, `.parquet`, `.parq`, `.zarr`, else a repository. */
  readonly format?: TargetFormat | undefined;
  /** Of the commit, in a repository. */
  readonly message?: string | undefined;
  /** Branch of a repository, which is made where it is not there. Default `main`. */
  readonly branch?: string | undefined;
  /** Bytes (decoded) up to which an array is stored decoded where it cannot be virtual. Default 64 MiB. */
  readonly materializeLimit?: number | undefined;
  /** Arrays that would be left out are an error instead. */
  readonly strict?: boolean | undefined;
  /** Told how far it is. */
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined;
}

/** How far an index is. */
export interface IndexProgress {
  /** Sources scanned. */
  readonly files: number;
  readonly totalFiles: number;
  /** Chunks found or written. */
  readonly chunks: number;
  /** Bytes that were read. */
  readonly bytes: number;
}

const MATERIALIZE_LIMIT = 64 * 1024 * 1024;
/** Sources that are scanned at the same time. */
const CONCURRENT_SOURCES = 8;

/**
 * Writes references to the chunks of sources into a repository (one commit), a Zarr store or Kerchunk references. One
 * source becomes the root, several become groups named after their files.
 *
 * Everything is scanned before anything is written: where a source is refused, the target is as it was. What was left
 * out or stored decoded is in the summary.
 *
 * Errors: those of opening a source, with its address; `AlreadyExists` where the target has what would be written.
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
  if (addresses.length === 0) throw new MoraineError("InvalidArgument", "there is nothing to index");
  const storage = options.storage ?? new StorageRouter(options);
  const address = addressOf(target);
  const format = options.format ?? targetFormat(address);
  const scan = new Scan(addresses, { ...options, storage });
  const plan = await scan.plan();
  const written = await write(plan, address, format, { ...options, storage }, scan);
  const { counts, leftOut, committed } = written;
  const { requests, bytes, rounds } = storage.statistics;
  return {
    target: address,
    format,
    ...committed,
    sources: scan.addresses,
    groups: counts.groups,
    arrays: counts.arrays,
    chunks: {
      virtual: counts.virtual,
      native: counts.native,
      inline: counts.inline,
      missing: counts.missing,
    },
    virtualBytes: counts.virtualBytes,
    writtenBytes: counts.writtenBytes,
    decoded: plan.decoded,
    leftOut: [...plan.leftOut, ...leftOut],
    notes: plan.notes,
    statistics: { requests, bytes, rounds, seconds: (performance.now() - started) / 1000 },
  };
}

/** The kind of target that an address names by its ending. */
function targetFormat(address: string): TargetFormat {
  const ending = /\.([a-z]+)\/?$/i.exec(address)?.[1]?.toLowerCase();
  if (ending === "json") return "kerchunk-json";
  if (ending === "parquet" || ending === "parq") return "kerchunk-parquet";
  return ending === "zarr" ? "zarr" : "icechunk";
}

type ScanOptions = IndexOptions & { readonly storage: StorageRouter };

/** Opens the sources and plans what becomes of them. */
class Scan {
  readonly addresses: readonly string[];
  readonly #options: ScanOptions;
  #files = 0;
  #chunks = 0;

  constructor(addresses: readonly string[], options: ScanOptions) {
    this.addresses = addresses.map(addressOf);
    this.#options = options;
  }

  async plan(): Promise<IndexPlan> {
    const { addresses } = this;
    const names = groupNames(addresses);
    const plans = await mapConcurrent(addresses, CONCURRENT_SOURCES, async (address, position) => {
      const prefix = addresses.length === 1 ? "" : `/${names[position] ?? ""}`;
      const plan = await this.#planOne(address, prefix);
      this.#files += 1;
      for (const node of plan.nodes)
        this.#chunks += node.kind === "array" ? (node.references?.count ?? 0) : 0;
      this.progress();
      return plan;
    });
    if (addresses.length === 1) return joinPlans(plans);
    return joinPlans([
      { nodes: [{ kind: "group", path: "/", attributes: {} }], decoded: [], leftOut: [], notes: [] },
      ...plans,
    ]);
  }

  progress(counts?: WrittenCounts): void {
    const chunks = counts ? counts.virtual + counts.native + counts.inline : this.#chunks;
    this.#options.onProgress?.({
      files: this.#files,
      totalFiles: this.addresses.length,
      chunks,
      bytes: this.#options.storage.statistics.bytes,
    });
  }

  async #planOne(address: string, prefix: string): Promise<IndexPlan> {
    const { signal, materializeLimit = MATERIALIZE_LIMIT, strict = false } = this.#options;
    const planOptions: PlanOptions = { signal, materializeLimit, strict };
    let source: OpenedSource;
    try {
      source = await openSource(address, this.#options);
    } catch (error) {
      throw error instanceof MoraineError ? error.at({ source: address }) : error;
    }
    return await planSource(source, prefix, planOptions);
  }
}

async function write(
  plan: IndexPlan,
  address: string,
  format: TargetFormat,
  options: ScanOptions,
  scan: Scan,
) {
  const { signal, strict = false, message } = options;
  const target = await openTarget(address, format, plan, options);
  try {
    const { counts, leftOut } = await writePlan(plan, target, {
      signal,
      strict,
      copies: format === "zarr",
      onProgress: (current) => scan.progress(current),
    });
    signal?.throwIfAborted();
    const committed = await target.commit(message ?? defaultMessage(scan.addresses), { signal });
    return { counts, leftOut, committed };
  } catch (error) {
    await target.abandon();
    throw error;
  }
}

function defaultMessage(addresses: readonly string[]): string {
  const [first = ""] = addresses;
  return addresses.length === 1 ? `index ${first}` : `index ${addresses.length} sources, the first ${first}`;
}
