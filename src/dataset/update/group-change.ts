/**
 * What became of the sources of a group since it was indexed.
 *
 * @module
 */

import type { IndexRecord } from "../index/index-record.ts";
import type { RecordedSources } from "../index/known-sources.ts";

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
