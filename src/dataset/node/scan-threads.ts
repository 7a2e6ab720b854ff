/**
 * Scans sources on threads of Node.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { MoraineError } from "../../errors.ts";
import { abortedError } from "../../storage/abort.ts";
import { schemeOf } from "../../storage/address.ts";
import type { StorageEvent } from "../../storage/events.ts";
import { AlikeMetadata } from "../journal/alike-metadata.ts";
import type { ScanThreads, ScanThreadsMaker } from "../journal/scan-threads.ts";
import type { ScannedError, ScannedFile } from "../journal/scanned-file.ts";
import type { ScanOptions } from "../journal/scanned-source.ts";
import type { SourceOptions } from "../open.ts";
import { receiveScan, type SentMetadata, type SentScan } from "./sent-scan.ts";

/** What a thread is asked for. */
export interface ScanJob {
  readonly id: number;
  readonly address: string;
}

/** What it answers; an answer without a job tells that it has begun. */
export interface ScanAnswer {
  readonly id?: number | undefined;
  /** What its storage did since the last answer. */
  readonly events: readonly StorageEvent[];
  readonly rounds: number;
  /** Absent for a source that is no single file. */
  readonly scan?: SentScan | undefined;
  readonly error?: ScannedError | undefined;
}

/** Options that every thread begins with. */
export type ScanSettings = Pick<SourceOptions, "http" | "s3" | "azureAccount" | "authorize">;

/** A thread takes about as long to begin, and to have its code compiled, as to scan so many files. */
const SOURCES_PER_THREAD = 200;
/**
 * Processors that are not given threads: one is this thread's, and the engine's own (the collector, the compiler) take
 * as much as half a processor for each thread that scans. On two processors further threads bring nothing.
 */
const PROCESSORS_KEPT = 2;
/** Sources that a thread has at the same time: while one waits for its bytes, others are worked on. */
const AT_ONCE = 8;
/** Storages that are the same in every thread. */
const SCHEMES: ReadonlySet<string> = new Set([
  "file",
  "http",
  "https",
  "s3",
  "gs",
  "gcs",
  "az",
  "azure",
  "abfs",
  "abfss",
]);

/** The thread that asks scans too. */
export const scanThreads: ScanThreadsMaker = (count, sources, options) => {
  const wanted =
    count ??
    Math.min(availableParallelism() - PROCESSORS_KEPT, Math.floor(sources.length / SOURCES_PER_THREAD));
  const settings = settingsOf(options);
  if (wanted < 1 || settings === undefined || !sources.every(hasKnownScheme)) return undefined;
  return new WorkerThreads(wanted, settings, options);
};

function hasKnownScheme(address: string): boolean {
  return SCHEMES.has(schemeOf(address) ?? "");
}

/** What another thread can be given; undefined where a part is a function, which cannot be sent. */
function settingsOf({ http, s3, azureAccount, authorize }: ScanOptions): ScanSettings | undefined {
  const settings: ScanSettings = { http, s3, azureAccount, authorize };
  const hasFunction = (part: object | undefined): boolean =>
    part !== undefined && Object.values(part).some((value) => typeof value === "function");
  return hasFunction(http) || hasFunction(s3) ? undefined : settings;
}

class WorkerThreads implements ScanThreads {
  readonly atOnce: number;
  readonly #threads: readonly ScanThread[];

  constructor(count: number, settings: ScanSettings, options: ScanOptions) {
    const alike = new AlikeMetadata();
    this.atOnce = count * AT_ONCE;
    this.#threads = Array.from({ length: count }, () => new ScanThread(settings, options, alike));
  }

  scan(address: string): Promise<ScannedFile | undefined> | undefined {
    let idlest: ScanThread | undefined;
    for (const thread of this.#threads) {
      if (thread.load < AT_ONCE && thread.load < (idlest?.load ?? AT_ONCE)) idlest = thread;
    }
    return idlest?.scan(address);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

interface Waiting {
  readonly address: string;
  resolve(file: ScannedFile | undefined): void;
  reject(error: unknown): void;
}

class ScanThread {
  readonly #worker: Worker;
  readonly #options: ScanOptions;
  readonly #alike: AlikeMetadata;
  readonly #metadata: SentMetadata = new Map();
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #isReady = false;

  constructor(settings: ScanSettings, options: ScanOptions, alike: AlikeMetadata) {
    this.#options = options;
    this.#alike = alike;
    this.#worker = new Worker(new URL("./scan-worker.js", import.meta.url), { workerData: settings });
    this.#worker.on("message", (answer: ScanAnswer) => this.#take(answer));
    this.#worker.on("error", (error) => this.#end(error instanceof Error ? error.message : String(error)));
    this.#worker.on("exit", () => this.#end("it ended"));
    this.#worker.unref();
  }

  /** Jobs that it has; infinite before it has begun, and after it has ended. */
  get load(): number {
    return this.#isReady ? this.#waiting.size : Number.POSITIVE_INFINITY;
  }

  scan(address: string): Promise<ScannedFile | undefined> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { address, resolve, reject });
      this.#worker.ref();
      const job: ScanJob = { id, address };
      this.#worker.postMessage(job);
    });
  }

  async close(): Promise<void> {
    this.#isReady = false;
    await this.#worker.terminate();
  }

  #take({ id, events, rounds, scan, error }: ScanAnswer): void {
    const { storage } = this.#options;
    for (const event of events) storage.record(event);
    storage.statistics.rounds += rounds;
    if (id === undefined) {
      this.#isReady = true;
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (error) waiting?.reject(new MoraineError(error.code, error.message, error));
    else waiting?.resolve(scan && receiveScan(scan, this.#metadata, this.#alike));
  }

  #end(reason: string): void {
    this.#isReady = false;
    const { signal } = this.#options;
    for (const { address: source, reject } of this.#waiting.values()) {
      if (signal?.aborted) reject(abortedError(signal));
      else
        reject(new MoraineError("LimitExceeded", `the thread that scanned it failed: ${reason}`, { source }));
    }
    this.#waiting.clear();
  }
}
