/**
 * Scanning on several threads, where the platform has such.
 *
 * @module
 */

import type { ScannedFile } from "./scanned-file.ts";
import type { ScanOptions } from "./scanned-source.ts";

/** Threads that scan sources beside the one that asks. */
export interface ScanThreads {
  /** Sources that they have at the same time, at the most. */
  readonly atOnce: number;
  /**
   * Scans a source on another thread; undefined where all are busy or none has begun yet: then whoever asks does it.
   * The result is undefined for a source that is no single file, and has to be opened where it is read.
   *
   * Errors: those of `openSource`.
   */
  scan(address: string): Promise<ScannedFile | undefined> | undefined;
  /** Ends the threads; what they were asked for is not answered any more. */
  close(): Promise<void>;
}

/**
 * @param count threads wanted; by the number of processors and sources where it is undefined
 * @returns undefined where none are worth their while, or the options cannot be handed to other threads
 */
export type ScanThreadsMaker = (
  count: number | undefined,
  sources: readonly string[],
  options: ScanOptions,
) => ScanThreads | undefined;

let maker: ScanThreadsMaker | undefined;

/** Names what makes threads. Called by `node.ts`. */
export function useScanThreads(make: ScanThreadsMaker): void {
  maker = make;
}

/** As {@link ScanThreadsMaker}. */
export const startScanThreads: ScanThreadsMaker = (count, sources, options) =>
  maker?.(count, sources, options);
