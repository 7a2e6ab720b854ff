/**
 * Scans sources and writes references to their chunks.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { refuseSecrets } from "../../storage/address.ts";
import { StorageRouter } from "../../storage/router.ts";
import type { CombineOptions } from "../combine/options.ts";
import { planAppend, planCombined } from "../combine/plan-combined.ts";
import { mapConcurrent } from "../concurrent.ts";
import { addressOf, openSource, type SourceOptions } from "../open.ts";
import { absolutePath, type OpenedSource } from "../source.ts";
import { groupNames } from "./group-names.ts";
import { type IndexPlan, joinPlans, type PlanOptions, planSource } from "./plan.ts";
import type { IndexSummary, TargetFormat } from "./summary.ts";
import { openTarget } from "./targets.ts";
import { type WrittenCounts, writePlan } from "./write.ts";

export interface IndexOptions extends SourceOptions, CombineOptions {
  /** Kind of the target. Default: by its ending, `.json`, `.parquet`, `.parq`, `.zarr`, else a repository. */
  readonly format?: TargetFormat | undefined;
  /** Of the commit, in a repository. */
  readonly message?: string | undefined;
  /** Branch of a repository, which is made where it is not there. Default `main`. */
  readonly branch?: string | undefined;
  /** Path of the group in the target that takes everything; it must not be there yet. Default: the root. */
  readonly group?: string | undefined;
  /** Bytes (decoded) up to which an array is stored decoded where it cannot be virtual. Default 64 MiB. */
  readonly materializeLimit?: number | undefined;
  /** Values that Zarr has no type for (references, ragged arrays) are stored as texts that describe them. */
  readonly describe?: boolean | undefined;
  /** Arrays that would be left out are an error instead. */
  readonly strict?: boolean | undefined;
  /** Dimension along which sources are added to what a repository holds already. */
  readonly append?: string | undefined;
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
 * source becomes the root, several become groups named after their files, or one dataset with `concat`, `byCoords` or
 * `append`.
 *
 * Everything is scanned before anything is written: where a source is refused, the target is as it was. What was left
 * out or stored decoded is in the summary.
 *
 * Errors: those of opening a source, with its address; `AlreadyExists` where the target has what would be written;
 * `Incompatible` where sources do not fit together; `Conflict` where others committed while sources were appended.
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
  for (const source of scan.addresses) refuseSecrets(source);
  const base = options.append === undefined ? undefined : await tipOf(address, format, options, storage);
  const plan = await scan.plan(address, base);
  const written = await write(plan, address, format, { ...options, storage, base }, scan);
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

/** The snapshot to which is appended. */
async function tipOf(
  address: string,
  format: TargetFormat,
  { branch = "main", signal }: IndexOptions,
  storage: StorageRouter,
): Promise<string> {
  if (format !== "icechunk") {
    throw new MoraineError("InvalidArgument", `sources can be appended to a repository, not to ${format}`);
  }
  const { Repository } = await import("../../icechunk/repository.ts");
  const repository = await Repository.open(storage, address, { signal });
  return await repository.lookupBranch(branch, { signal });
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

  /**
   * @param target address to which is appended
   * @param base its snapshot; undefined where nothing is appended
   */
  async plan(target: string, base: string | undefined): Promise<IndexPlan> {
    const { addresses } = this;
    const { append, concat, byCoords = false } = this.#options;
    if (append !== undefined && base !== undefined) {
      const sources = await this.#openAll();
      const existing = await openSource(target, { ...this.#options, ref: base });
      return this.#counted(await planAppend(existing, sources, append, this.#planOptions));
    }
    const group = absolutePath(this.#options.group ?? "/");
    const above = group === "/" ? "" : group;
    if (concat !== undefined || byCoords) {
      return this.#counted(await planCombined(await this.#openAll(), above, this.#planOptions));
    }
    const names = groupNames(addresses);
    const plans = await mapConcurrent(addresses, CONCURRENT_SOURCES, async (address, position) => {
      const prefix = addresses.length === 1 ? above : `${above}/${names[position] ?? ""}`;
      const plan = await planSource(await this.#open(address), prefix, this.#planOptions);
      this.#files += 1;
      this.progress();
      return this.#counted(plan);
    });
    if (addresses.length === 1) return joinPlans(plans);
    return joinPlans([
      { nodes: [{ kind: "group", path: group, attributes: {} }], decoded: [], leftOut: [], notes: [] },
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

  get #planOptions(): PlanOptions & CombineOptions {
    const { materializeLimit = MATERIALIZE_LIMIT, strict = false } = this.#options;
    return { ...this.#options, materializeLimit, strict };
  }

  #counted(plan: IndexPlan): IndexPlan {
    for (const node of plan.nodes) {
      this.#chunks += node.kind === "array" ? (node.references?.count ?? 0) : 0;
    }
    return plan;
  }

  async #openAll(): Promise<OpenedSource[]> {
    return await mapConcurrent(this.addresses, CONCURRENT_SOURCES, async (address) => {
      const source = await this.#open(address);
      this.#files += 1;
      this.progress();
      return source;
    });
  }

  async #open(address: string): Promise<OpenedSource> {
    try {
      return await openSource(address, this.#options);
    } catch (error) {
      throw error instanceof MoraineError ? error.at({ source: address }) : error;
    }
  }
}

async function write(
  plan: IndexPlan,
  address: string,
  format: TargetFormat,
  options: ScanOptions & { readonly base: string | undefined },
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
