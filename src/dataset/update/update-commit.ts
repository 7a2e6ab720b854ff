/**
 * The commit of an update: what it keeps of the sources, and what it says.
 *
 * @module
 */

import type { IndexRecord, KnownSource } from "../index/index-record.ts";
import { listed } from "../listed-names.ts";
import { changesForm } from "../storage-form.ts";
import type { GroupChange, GroupUpdateOptions } from "./group-change.ts";

/** Versions of sources are kept also where nothing else changes; what goes together with others' commits is no conflict. */
export const COMMIT: { readonly allowEmpty: true; readonly rebase: true } = {
  allowEmpty: true,
  rebase: true,
};

/** What the commit keeps of where everything came from. */
export function recordOf(
  { group, known }: GroupChange,
  { drift, chunks, shards, recompress }: GroupUpdateOptions,
  sources: readonly KnownSource[],
  written: IndexRecord["written"],
): IndexRecord {
  const { form, options } = known.beginning;
  const isFormed = changesForm({ chunks, shards, recompress });
  return {
    form: isFormed ? JSON.stringify({ chunks, shards, recompress }) : form,
    group,
    isWhole: true,
    keeps: true,
    sources,
    dimensions: known.places?.dimensions,
    options: { ...options, drift },
    written,
  };
}

/** What it says. */
export function messageOf({ changed, gone, fresh }: GroupChange, { message }: GroupUpdateOptions): string {
  if (message !== undefined) return message;
  const parts = [
    ["indexed anew", changed],
    ["removed", gone],
    ["added", fresh],
  ] as const;
  return parts
    .filter(([, sources]) => sources.length > 0)
    .map(([word, sources]) => `${word}: ${listed(sources)}`)
    .join("; ");
}
