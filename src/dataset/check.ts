/**
 * Can an archive be virtualised? Barriers, eras and costs of any number of files, told without writing anything.
 *
 * @module
 */

import { type ErrorCode, isMoraineError } from "../errors.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import { StorageRouter } from "../storage/router.ts";
import { isTime } from "./combine/common-form.ts";
import { isIndexCoordinate } from "./combine/contents.ts";
import { describeDrift, findDrift } from "./combine/drift.ts";
import { eraKey } from "./combine/eras.ts";
import { mapConcurrent } from "./concurrent.ts";
import { IndexSize } from "./index-size.ts";
import { officialBarrier } from "./official-clients.ts";
import { addressOf, openSource, type SourceOptions } from "./open.ts";
import { walkSource } from "./source.ts";

/** How files are opened, and who is told of progress. */
export interface CheckOptions extends SourceOptions {
  readonly onProgress?: ((progress: CheckProgress) => void) | undefined;
}

/** What is scanned so far; bytes are those that references would cover. */
export interface CheckProgress {
  readonly files: number;
  readonly totalFiles: number;
  readonly chunks: number;
  readonly bytes: number;
}

/** A kind of obstacle, how often it stands in the way, and where. */
export interface BarrierCount {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly arrays: number;
  readonly files: number;
  /** The first few. */
  readonly examples: readonly { readonly source: string; readonly path: string }[];
}

/** Files that can be joined without changing values: same variables, types, packing, codecs. */
export interface Era {
  readonly files: number;
  readonly first: string;
  readonly last: string;
}

/** Files whose chunks of one array have another shape: these do not line up, or only in a rectilinear grid. */
export interface ChunkShapes {
  readonly path: string;
  readonly shapes: readonly {
    readonly shape: readonly number[];
    readonly files: number;
    readonly example: string;
  }[];
}

/** The report. Sizes are bytes. */
export interface CheckReport {
  readonly files: number;
  readonly formats: Readonly<Record<string, number>>;
  /** Files that cannot be opened. */
  readonly failed: readonly { readonly source: string; readonly code: ErrorCode; readonly message: string }[];
  readonly arrays: {
    /** Whose chunks official clients read where they lie. */
    readonly virtual: number;
    /** That must be decoded and stored. */
    readonly decoded: number;
    readonly unreadable: number;
  };
  readonly barriers: readonly BarrierCount[];
  readonly eras: readonly Era[];
  /** What differs between the eras, in words, by array. */
  readonly drift: readonly { readonly path: string; readonly difference: string }[];
  /** Arrays whose chunks have several shapes. */
  readonly chunkShapes: readonly ChunkShapes[];
  /** Files that were not sorted into eras: there were too many. */
  readonly unsortedFiles: number;
  readonly chunks: number;
  /** Of the chunks that references would cover. */
  readonly virtualBytes: number;
  /** What a repository of all files as one dataset would take on disk, about. */
  readonly indexBytes: number;
  readonly cost: {
    readonly requests: number;
    readonly bytes: number;
    readonly rounds: number;
    readonly seconds: number;
  };
}

/** Files that are scanned at the same time. */
const CONCURRENT_FILES = 8;
const EXAMPLES = 3;
/** Eras that are told apart; an archive with more has a file of its own kind nearly everywhere. */
const MOST_ERAS = 1000;
/** Obstacles that are told apart; of further ones only the code. */
const MOST_BARRIERS = 1000;
/** Arrays, and shapes of the chunks of one, that are told apart. */
const MOST_SHAPES = 10_000;
const MOST_SHAPES_OF_ONE = 100;

/**
 * Scans files and reports what stands in the way of virtual references to them. Files that cannot be opened are
 * part of the report.
 *
 * Memory: the metadata of one file for each era, and a few numbers for each kind of obstacle and shape of chunks.
 *
 * Errors: `Aborted`; those of files are in the report.
 *
 * @example
 * const { barriers, eras } = await check(["2019.nc", "2020.nc"]);
 */
export async function check(sources: readonly string[], options: CheckOptions = {}): Promise<CheckReport> {
  const started = performance.now();
  const storage = options.storage ?? new StorageRouter(options);
  const run = new ArchiveCheck(sources.length, { ...options, storage });
  await mapConcurrent(sources, CONCURRENT_FILES, (typed) => run.file(typed));
  const { requests, bytes, rounds } = storage.statistics;
  return run.report({ requests, bytes, rounds, seconds: (performance.now() - started) / 1000 });
}

interface EraSoFar {
  readonly arrays: ReadonlyMap<string, VirtualArray>;
  readonly sources: [first: string, last: string];
  files: number;
}

/** What stands in the way of one array. */
interface Obstacle {
  readonly path: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

interface BarrierSoFar {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly examples: { source: string; path: string }[];
  arrays: number;
  files: number;
}

class ArchiveCheck {
  readonly #total: number;
  readonly #options: CheckOptions & { readonly storage: StorageRouter };
  readonly #formats: Record<string, number> = {};
  readonly #failed: { source: string; code: ErrorCode; message: string }[] = [];
  readonly #barriers = new Map<string, BarrierSoFar>();
  readonly #eras = new Map<string, EraSoFar>();
  readonly #shapes = new Map<
    string,
    Map<string, { shape: readonly number[]; example: string; files: number }>
  >();
  #unsorted = 0;
  readonly #arrays = { virtual: 0, decoded: 0, unreadable: 0 };
  #files = 0;
  #chunks = 0;
  #virtualBytes = 0;
  readonly #size: IndexSize = new IndexSize();

  constructor(total: number, options: CheckOptions & { readonly storage: StorageRouter }) {
    this.#total = total;
    this.#options = options;
  }

  async file(typed: string): Promise<void> {
    try {
      await this.#scan(addressOf(typed));
    } catch (error) {
      if (!isMoraineError(error) || error.code === "Aborted") throw error;
      this.#failed.push({ source: error.source ?? typed, code: error.code, message: error.message });
    }
    this.#files += 1;
    this.#options.onProgress?.({
      files: this.#files,
      totalFiles: this.#total,
      chunks: this.#chunks,
      bytes: this.#options.storage.statistics.bytes,
    });
  }

  report(cost: CheckReport["cost"]): CheckReport {
    const eras = [...this.#eras.values()].sort((a, b) => (a.sources[0] < b.sources[0] ? -1 : 1));
    const barriers = [...this.#barriers.values()].map(({ code, reason, arrays, files, examples }) => ({
      code,
      reason,
      arrays,
      files,
      examples,
    }));
    return {
      files: this.#files,
      formats: this.#formats,
      failed: this.#failed.sort((a, b) => (a.source < b.source ? -1 : 1)),
      arrays: this.#arrays,
      barriers: barriers.sort((a, b) => b.arrays - a.arrays || (a.reason < b.reason ? -1 : 1)),
      eras: eras.map(({ files, sources: [first, last] }) => ({ files, first, last })),
      drift: driftBetween(eras),
      chunkShapes: [...this.#shapes]
        .filter(([, shapes]) => shapes.size > 1)
        .map(([path, shapes]) => ({
          path,
          shapes: [...shapes.values()].sort((a, b) => b.files - a.files || (a.example < b.example ? -1 : 1)),
        })),
      unsortedFiles: this.#unsorted,
      chunks: this.#chunks,
      virtualBytes: this.#virtualBytes,
      indexBytes: this.#size.bytes,
      cost,
    };
  }

  async #scan(address: string): Promise<void> {
    const { signal } = this.#options;
    const source = await openSource(address, this.#options);
    this.#formats[source.format] = (this.#formats[source.format] ?? 0) + 1;
    const arrays = new Map<string, VirtualArray>();
    const obstacles: Obstacle[] = [];
    const waiting: Promise<void>[] = [];
    for await (const { path, node } of walkSource(source, "/", { signal })) {
      if (node.kind === "fault") {
        if (node.hidden === true) continue;
        this.#arrays.unreadable += 1;
        obstacles.push({ path, code: node.error.code, reason: node.error.message });
      } else if (node.kind === "array" && node.hidden !== true) {
        arrays.set(path, node);
        waiting.push(this.#array(path, node, obstacles));
      }
    }
    await Promise.all(waiting);
    this.#size.addFile();
    this.#obstacles(address, obstacles);
    this.#era(address, arrays);
    this.#chunkShapes(address, arrays);
    await source.close();
  }

  async #array(path: string, array: VirtualArray, obstacles: Obstacle[]): Promise<void> {
    const barrier = array.barrier ?? officialBarrier(array.metadata);
    // As `index` has it: coordinates are stored decoded.
    const isLoaded = isIndexCoordinate(path, array);
    if (isLoaded || barrier !== undefined || array.manifest === undefined) {
      this.#size.addDecoded(path, array.metadata, !isLoaded || isTime(array.metadata));
    }
    if (barrier !== undefined || array.manifest === undefined) {
      this.#arrays.decoded += 1;
      const reason = "its chunks have no place of their own";
      obstacles.push({ path, code: "UnsupportedLayout", reason, ...barrier });
      return;
    }
    try {
      const manifest = await array.manifest({ signal: this.#options.signal });
      this.#arrays.virtual += 1;
      this.#chunks += manifest.count;
      if (!isLoaded) this.#size.addReferences(path, manifest.count);
      let masked = 0;
      for (let entry = 0; entry < manifest.count; entry++) {
        this.#virtualBytes += manifest.lengths[entry] ?? 0;
        if ((manifest.filterMasks?.[entry] ?? 0) !== 0) masked += 1;
      }
      if (masked > 0) {
        const reason = "some chunks were stored without some of the filters: these are stored anew";
        obstacles.push({ path, code: "UnsupportedFilter", reason });
      }
    } catch (error) {
      if (!isMoraineError(error) || error.code === "Aborted") throw error;
      this.#arrays.unreadable += 1;
      obstacles.push({ path, code: error.code, reason: error.message });
    }
  }

  /** Adds those of one file. */
  #obstacles(source: string, obstacles: readonly Obstacle[]): void {
    const met = new Set<BarrierSoFar>();
    for (const { path, code, reason } of obstacles) {
      const isNew = !this.#barriers.has(`${code} ${reason}`);
      const told = isNew && this.#barriers.size >= MOST_BARRIERS ? "other reasons" : reason;
      const key = `${code} ${told}`;
      let barrier = this.#barriers.get(key);
      if (barrier === undefined) {
        barrier = { code, reason: told, examples: [], arrays: 0, files: 0 };
        this.#barriers.set(key, barrier);
      }
      barrier.arrays += 1;
      if (barrier.examples.length < EXAMPLES) barrier.examples.push({ source, path });
      met.add(barrier);
    }
    for (const barrier of met) barrier.files += 1;
  }

  #chunkShapes(source: string, arrays: ReadonlyMap<string, VirtualArray>): void {
    for (const [path, { metadata, manifest }] of arrays) {
      const { chunkGrid } = metadata;
      if (manifest === undefined || chunkGrid.name !== "regular") continue;
      let shapes = this.#shapes.get(path);
      if (shapes === undefined) {
        if (this.#shapes.size >= MOST_SHAPES) continue;
        shapes = new Map();
        this.#shapes.set(path, shapes);
      }
      const shape = chunkGrid.chunkShape;
      const known = shapes.get(shape.join());
      if (known) {
        known.files += 1;
        if (source < known.example) known.example = source;
      } else if (shapes.size < MOST_SHAPES_OF_ONE)
        shapes.set(shape.join(), { shape, example: source, files: 1 });
    }
  }

  #era(source: string, arrays: ReadonlyMap<string, VirtualArray>): void {
    const key = eraKey(arrays);
    const era = this.#eras.get(key);
    if (era === undefined) {
      if (this.#eras.size >= MOST_ERAS) {
        this.#unsorted += 1;
        return;
      }
      // The chunk indexes are not needed any more.
      const metadata = new Map(
        [...arrays].map(([path, array]) => [path, { ...array, manifest: undefined }] as const),
      );
      this.#eras.set(key, { arrays: metadata, sources: [source, source], files: 1 });
      return;
    }
    era.files += 1;
    if (source < era.sources[0]) era.sources[0] = source;
    if (source > era.sources[1]) era.sources[1] = source;
  }
}

function driftBetween(eras: readonly EraSoFar[]): { path: string; difference: string }[] {
  if (eras.length < 2) return [];
  const paths = new Set(eras.flatMap(({ arrays }) => [...arrays.keys()]));
  return [...paths].flatMap((path) => {
    const having = eras.filter(({ arrays }) => arrays.has(path));
    const subjects = having.flatMap(({ arrays, sources: [source] }) => {
      const array = arrays.get(path);
      return array ? [{ source, metadata: array.metadata }] : [];
    });
    const isTime = subjects.some(({ metadata }) =>
      / since /.test(String(metadata.attributes["units"] ?? "")),
    );
    const drift = findDrift(subjects, [
      "data type",
      "dimensions",
      "packing",
      "flags",
      "codecs",
      ...(isTime ? [] : (["units"] as const)),
    ]).map((found) => ({ path, difference: describeDrift(found) }));
    if (having.length === eras.length) return drift;
    return [{ path, difference: `it is in ${having.length} of ${eras.length} eras only` }, ...drift];
  });
}
