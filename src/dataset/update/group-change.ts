/**
 * What became of the sources of a group since it was indexed, and what is done about it.
 *
 * @module
 */

import type { IndexRecord } from "../index/index-record.ts";
import type { RecordedSources } from "../index/known-sources.ts";
import type { IndexingOptions } from "../index/options.ts";
import type { IndexPlan } from "../index/plan.ts";
import type { ChangedArray, Note } from "../index/summary.ts";
import type { Committed } from "../index/target.ts";
import type { WrittenCounts } from "../index/written-counts.ts";

export interface GroupChange {
  /** Path of the group. */
  readonly group: string;
  readonly branch: string;
  /** Snapshot that this was found in. */
  readonly base: string;
  /** What its history tells. */
  readonly known: RecordedSources & { readonly beginning: IndexRecord };
  /** Addresses of known sources that are there, in their order, changed or not. */
  readonly present: readonly string[];
  readonly changed: readonly string[];
  readonly gone: readonly string[];
  /** Addresses of sources that are added. */
  readonly fresh: readonly string[];
}

/** Whether the sources of a group became one dataset, rather than groups of their own. */
export function isJoined({ beginning, places }: GroupChange["known"]): boolean {
  const { concat, byCoords } = beginning.options;
  return concat !== undefined || byCoords === true || places !== undefined;
}

/** What was done. */
export interface GroupUpdate {
  readonly committed: Committed;
  readonly plan: IndexPlan;
  /** Sources that were looked into. */
  readonly scanned: readonly string[];
  readonly counts: WrittenCounts;
  /** Chunks that were set or deleted. */
  readonly chunks: number;
  readonly leftOut: readonly ChangedArray[];
  readonly notes: readonly Note[];
}

export interface GroupUpdateOptions extends IndexingOptions {
  /** Whether other threads may reach the sources too. */
  readonly mayThread?: boolean | undefined;
}
