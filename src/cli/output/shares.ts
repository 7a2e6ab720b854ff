/**
 * Where the chunks of an array lie, as lines for a person.
 *
 * @module
 */

import type { Share } from "../../dataset/provenance.ts";
import { formatBytes, formatCount, formatCounted } from "../progress.ts";

/** Sources that are shown of each array. */
const SHOWN = 8;

/** A line for each share; of many sources for those with most chunks. */
export function shareLines(shares: readonly Share[]): string[] {
  const lines = shares.slice(0, SHOWN).map(({ kind, source, objects, chunks, bytes, since }) => {
    const place = source ?? (objects === undefined ? "" : formatCounted(objects, "object"));
    const commit = since
      ? `  since ${since.id} ${since.time.toISOString().slice(0, 10)} ${since.message}`
      : "";
    return `${formatCount(chunks)} ${kind}, ${formatBytes(bytes)}${place === "" ? "" : `: ${place}`}${commit}`;
  });
  if (shares.length <= SHOWN) return lines;
  const rest = shares.slice(SHOWN);
  const chunks = rest.reduce((sum, share) => sum + share.chunks, 0);
  return [...lines, `${formatCount(chunks)} in ${rest.length} more sources; --json lists them`];
}
