/**
 * Which commit last wrote each of some chunks.
 *
 * @module
 */

import type { HistoryEntry } from "../icechunk/history.ts";
import type { Writing } from "../icechunk/writings.ts";

/** Finds for the chunks of one array which commit last wrote them. */
export class ChunkWriters {
  readonly #commits: HistoryEntry[] = [];
  readonly #find: (coordinates: readonly number[]) => number;
  /** For each chunk the number of its commit; -1 where it is not found yet. */
  readonly #writers: Int32Array;
  #open: number;

  /**
   * @param count chunks that are asked about
   * @param find the number of a chunk among these; negative for one that is not asked about
   */
  constructor(count: number, find: (coordinates: readonly number[]) => number) {
    this.#writers = new Int32Array(count).fill(-1);
    this.#open = count;
    this.#find = find;
  }

  /** Whether every chunk is found. */
  get isDone(): boolean {
    return this.#open === 0;
  }

  /** Takes the next older commit. */
  take({ entry, chunks, made }: Writing, path: string): void {
    const commit = this.#commits.push(entry) - 1;
    const { rank, count, coordinates } = chunks.get(path) ?? NO_CHUNKS;
    for (let chunk = 0; chunk < count && this.#open > 0; chunk++) {
      const found = this.#find(Array.from(coordinates.subarray(chunk * rank, (chunk + 1) * rank)));
      if (found < 0 || this.#writers[found] !== -1) continue;
      this.#writers[found] = commit;
      this.#open -= 1;
    }
    if (!made.has(path)) return;
    // What no log names came, or was left missing, with the array: those of official programs leave chunks out.
    this.#writers.forEach((writer, found) => {
      if (writer === -1) this.#writers[found] = commit;
    });
    this.#open = 0;
  }

  /** Number of the commit that wrote a chunk, in the order in which they were taken; -1 where none did. */
  writer(chunk: number): number {
    return this.#writers[chunk] ?? -1;
  }

  /** The commit of a number; undefined for -1. */
  commit(number: number): HistoryEntry | undefined {
    return this.#commits[number];
  }
}

const NO_CHUNKS = { rank: 0, count: 0, coordinates: new Uint32Array(0) };

/** Follows a history back until every chunk is found, or it ends. */
export async function followHistory(
  writings: AsyncIterable<Writing>,
  arrays: ReadonlyMap<string, ChunkWriters>,
): Promise<void> {
  const open = new Map(arrays);
  for await (const writing of writings) {
    for (const [path, writers] of open) {
      writers.take(writing, path);
      if (writers.isDone) open.delete(path);
    }
    if (open.size === 0) return;
  }
}
