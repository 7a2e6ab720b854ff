/**
 * Opens the sources of an index and plans what becomes of them.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { schemeOf } from "../../storage/address.ts";
import type { CombineOptions } from "../combine/options.ts";
import { planAppend, planCombined } from "../combine/plan-combined.ts";
import { mapConcurrent } from "../concurrent.ts";
import { AlikeMetadata } from "../journal/alike-metadata.ts";
import { Journal } from "../journal/journal.ts";
import { packedSource } from "../journal/packed-scan.ts";
import { scanSource } from "../journal/scan-source.ts";
import { type ScanThreads, startScanThreads } from "../journal/scan-threads.ts";
import type { ScannedFile } from "../journal/scanned-file.ts";
import { addressOf, openSource } from "../open.ts";
import { absolutePath, type OpenedSource } from "../source.ts";
import { groupNames } from "./group-names.ts";
import type { IndexingOptions } from "./options.ts";
import { type IndexPlan, joinPlans, type PlanOptions, planSource } from "./plan.ts";
import type { ChangedArray } from "./summary.ts";
import type { WrittenCounts } from "./written-counts.ts";

const MATERIALIZE_LIMIT = 64 * 1024 * 1024;
/** Sources that are scanned at the same time, with at most 256 KiB of each: where answers take long, more of them. */
const CONCURRENT_FILES = 16;
const CONCURRENT_OBJECTS = 64;

/** The plan of a source that was left out. */
const NOTHING: IndexPlan = { nodes: [], decoded: [], leftOut: [], notes: [] };

/** Opens the sources and plans what becomes of them. */
export class Scan {
  readonly addresses: readonly string[];
  readonly #options: IndexingOptions;
  readonly #journal: Journal | undefined;
  readonly #alike = new AlikeMetadata();
  readonly #mayThread: boolean;
  #threads: ScanThreads | undefined;
  readonly #failed = new Map<string, ChangedArray>();
  #files = 0;
  #chunks = 0;

  /** @param mayThread whether other threads may reach the sources too, with storages of their own */
  constructor(addresses: readonly string[], options: IndexingOptions, mayThread = false) {
    this.addresses = addresses.map(addressOf);
    this.#mayThread = mayThread;
    this.#options = options;
    const { journal } = options;
    this.#journal = journal === undefined ? undefined : new Journal(journal, options);
  }

  /**
   * @param target address to which is appended
   * @param base its snapshot; undefined where nothing is appended
   */
  async plan(target: string, base: string | undefined): Promise<IndexPlan> {
    const { addresses } = this;
    const { append, concat, byCoords = false } = this.#options;
    const group = absolutePath(this.#options.group ?? "/");
    const above = group === "/" ? "" : group;
    if (append !== undefined && base !== undefined) {
      const [sources, existing] = await Promise.all([
        this.openAll(),
        openSource(target, { ...this.#options, ref: base }),
      ]);
      return this.#counted(await planAppend(existing, sources, group, append, this.planOptions));
    }
    if (concat !== undefined || byCoords) {
      return this.#counted(await planCombined(await this.openAll(), above, this.planOptions));
    }
    const names = groupNames(addresses);
    const plan = await this.planEach((position) =>
      addresses.length === 1 ? above : `${above}/${names[position] ?? ""}`,
    );
    if (addresses.length === 1) return plan;
    return joinPlans([
      { nodes: [{ kind: "group", path: group, attributes: {} }], decoded: [], leftOut: [], notes: [] },
      plan,
    ]);
  }

  /**
   * Plans each source by itself.
   *
   * @param prefixOf gives for the number of a source its path in the target: empty, or `/name`
   */
  async planEach(prefixOf: (position: number) => string): Promise<IndexPlan> {
    const plans = await this.#each(async (address, position) => {
      const source = await this.#open(address);
      return source ? this.#counted(await planSource(source, prefixOf(position), this.planOptions)) : NOTHING;
    });
    this.#requireSome();
    return joinPlans(plans);
  }

  /** Calls a task for each source, several at a time, with threads that help while it lasts. */
  async #each<Result>(task: (address: string, position: number) => Promise<Result>): Promise<Result[]> {
    const { workers, signal } = this.#options;
    const threads = this.#mayThread ? startScanThreads(workers, this.addresses, this.#options) : undefined;
    const stop = (): void => void threads?.close();
    this.#threads = threads;
    signal?.addEventListener("abort", stop);
    const isNear = this.addresses.every((address) => schemeOf(address) === "file");
    const atOnce = (isNear ? CONCURRENT_FILES : CONCURRENT_OBJECTS) + (threads?.atOnce ?? 0);
    try {
      return await mapConcurrent(this.addresses, atOnce, async (...item) => {
        const result = await task(...item);
        this.#files += 1;
        this.progress();
        return result;
      });
    } finally {
      this.#threads = undefined;
      signal?.removeEventListener("abort", stop);
      await threads?.close();
    }
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

  /** Options of plans. */
  get planOptions(): PlanOptions & CombineOptions {
    const { materializeLimit = MATERIALIZE_LIMIT, strict = false } = this.#options;
    return { ...this.#options, materializeLimit, strict };
  }

  #counted(plan: IndexPlan): IndexPlan {
    for (const node of plan.nodes) {
      this.#chunks += node.kind === "array" ? (node.references?.count ?? 0) : 0;
    }
    return plan;
  }

  /** Opens all sources but those that are left out. */
  async openAll(): Promise<OpenedSource[]> {
    const opened = await this.#each((address) => this.#open(address));
    this.#requireSome();
    return opened.filter((source) => source !== undefined);
  }

  /** Opens a source; undefined for one that is left out. */
  async #open(address: string): Promise<OpenedSource | undefined> {
    try {
      return await this.#openOrScan(address);
    } catch (error) {
      if (!isMoraineError(error) || error.code === "Aborted" || this.#journal?.holds(error.source))
        throw error;
      const placed = error.at({ source: address });
      if (this.#options.onError !== "skip") throw placed;
      this.#failed.set(address, { source: address, path: "/", code: placed.code, reason: placed.message });
      return undefined;
    }
  }

  /** One source stays open; of many only what they hold is kept. */
  async #openOrScan(address: string): Promise<OpenedSource> {
    const journal = this.#journal;
    if (journal === undefined && this.addresses.length === 1) return await openSource(address, this.#options);
    const known = await journal?.find(address);
    if (known) return known;
    const elsewhere = this.#threads?.scan(address);
    const sent = await elsewhere;
    if (sent !== undefined) return await this.#keep(sent);
    if (elsewhere !== undefined) return await openSource(address, this.#options);
    const found = await scanSource(address, this.#options);
    return found.kind === "opened" ? found.source : await this.#keep(this.#alike.within(found.file));
  }

  async #keep(file: ScannedFile): Promise<OpenedSource> {
    return (await this.#journal?.keep(file)) ?? packedSource(file, this.#options);
  }

  #requireSome(): void {
    const [first] = this.failed;
    if (first === undefined || this.indexed.length > 0) return;
    throw new MoraineError(first.code, `no source can be opened; the first: ${first.reason}`, {
      source: first.source,
    });
  }

  /** Sources that could not be opened and were left out, in the order of the sources. */
  get failed(): readonly ChangedArray[] {
    return this.addresses.flatMap((address) => this.#failed.get(address) ?? []);
  }

  /** Those that were indexed. */
  get indexed(): readonly string[] {
    return this.addresses.filter((address) => !this.#failed.has(address));
  }
}
