/**
 * A plan without what others wrote since: that stays.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { wholeManifest } from "../../manifest/manifest-parts.ts";
import { filterEntries } from "../../manifest/select-chunks.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { gridPosition, gridShapeOf } from "../../zarr/chunk-grid.ts";
import type { GroupPlan, IndexPlan } from "../index/plan.ts";
import type { ArrayPlan } from "../index/plan-array.ts";
import type { Note } from "../index/summary.ts";
import type { Written } from "./written-by-others.ts";

/**
 * Of arrays and groups that are there already; what stays is told of.
 *
 * @param attributesAt those that an array has now
 */
export async function withoutWritten(
  plan: IndexPlan,
  written: Written,
  source: string,
  attributesAt: (path: string) => JsonObject | undefined,
  options: StorageOptions,
): Promise<IndexPlan> {
  const notes: Note[] = [];
  const nodes: (GroupPlan | ArrayPlan)[] = [];
  for (const node of plan.nodes) {
    if (node.kind === "group" || node.existing !== true) {
      if (node.kind === "array" || !written.updated.has(node.path)) nodes.push(node);
      continue;
    }
    const edited = written.updated.has(node.path) ? attributesAt(node.path) : undefined;
    if (edited) notes.push({ source, path: node.path, note: EDITED });
    const own = edited ? { ...node, metadata: { ...node.metadata, attributes: edited } } : node;
    const { kept, count } = await withoutChunks(own, written.chunks.get(node.path) ?? [], options);
    if (count > 0) notes.push({ source, path: node.path, note: noteOf(count) });
    nodes.push(kept);
  }
  return { ...plan, nodes, notes: [...plan.notes, ...notes] };
}

/** What is told of arrays that stay. */
export const MADE_ANEW = "was made anew in the repository: it stays";
export const WRITTEN = "was written in the repository since: it stays";

/** What is told of metadata that stay. */
export const EDITED = "its metadata were changed in the repository: they stay";

/** What is told of chunks that stay. */
export function noteOf(chunks: number): string {
  return chunks === 1
    ? "one chunk that was written since stays, though its source changed"
    : `${chunks} chunks that were written since stay, though their sources changed`;
}

async function withoutChunks(
  plan: ArrayPlan,
  chunks: readonly (readonly number[])[],
  options: StorageOptions,
): Promise<{ readonly kept: ArrayPlan; readonly count: number }> {
  if (chunks.length === 0 || plan.rewrite === "all") return { kept: plan, count: 0 };
  const gridShape = gridShapeOf(plan.metadata);
  const written = new Set(chunks.map((coordinates) => gridPosition(coordinates, gridShape)));
  const stays = (position: number): boolean => written.has(position);
  let count = 0;
  const counted = (position: number): boolean => {
    count += Number(stays(position));
    return !stays(position);
  };
  const { rewrite, absent } = plan;
  const references = plan.references && (await wholeManifest(plan.references, options));
  const kept: ArrayPlan = {
    ...plan,
    references: references && filterEntries(references, (_, position) => counted(position)),
    rewrite: rewrite.filter(counted),
    absent: absent?.filter((coordinates) => counted(gridPosition(coordinates, gridShape))),
  };
  return { kept, count };
}
