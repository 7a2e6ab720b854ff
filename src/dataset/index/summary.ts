/**
 * What an index did, for people and programs.
 *
 * @module
 */

import type { ErrorCode } from "../../errors.ts";
import type { Traffic } from "../../storage/events.ts";

/** An array that is not in the target as it lies in its source. */
export interface ChangedArray {
  readonly source: string;
  readonly path: string;
  readonly code: ErrorCode;
  /** In words. */
  readonly reason: string;
}

/** Something else that differs from the source: renamed, filled, merged. */
export interface Note {
  readonly source: string;
  readonly path: string;
  readonly note: string;
}

/** A kind of target. */
export type TargetFormat = "icechunk" | "zarr" | "kerchunk-json" | "kerchunk-parquet";

/** The summary of one `index`. Sizes are bytes. */
export interface IndexSummary {
  readonly target: string;
  readonly format: TargetFormat;
  /** Id of the commit, for repositories. */
  readonly snapshot?: string | undefined;
  readonly branch?: string | undefined;
  readonly sources: readonly string[];
  readonly groups: number;
  readonly arrays: number;
  /** Chunks by how they are kept in the target. */
  readonly chunks: {
    readonly virtual: number;
    readonly native: number;
    readonly inline: number;
    readonly missing: number;
  };
  /** Bytes that the virtual references cover. */
  readonly virtualBytes: number;
  /** Bytes of native and inline chunks, as stored. */
  readonly writtenBytes: number;
  /** Arrays that are stored decoded, whole or in some chunks, because references could not say them. */
  readonly decoded: readonly ChangedArray[];
  /** Arrays that are not in the target. */
  readonly leftOut: readonly ChangedArray[];
  readonly notes: readonly Note[];
  readonly statistics: {
    readonly requests: number;
    readonly bytes: number;
    readonly rounds: number;
    /** Attempts that failed and were followed by another. */
    readonly retries: number;
    /** Blocks that a cache had. */
    readonly cacheHits: number;
    readonly seconds: number;
    /** The same of the sources one by one, where there are at most 1,000. */
    readonly sources: readonly (Readonly<Traffic> & { readonly source: string })[];
  };
}

/** The JSON form: names as in the other documents of the command line. */
export function summaryToJson(summary: IndexSummary): Record<string, unknown> {
  const { leftOut, virtualBytes, writtenBytes, statistics, ...same } = summary;
  return {
    ...same,
    virtual_bytes: virtualBytes,
    written_bytes: writtenBytes,
    left_out: leftOut,
    requests: statistics.requests,
    bytes: statistics.bytes,
    rounds: statistics.rounds,
    retries: statistics.retries,
    cache_hits: statistics.cacheHits,
    traffic: statistics.sources.map(({ cacheHits, ...traffic }) => ({ ...traffic, cache_hits: cacheHits })),
    seconds: Math.round(statistics.seconds * 1000) / 1000,
  };
}
