/**
 * A plan without what others wrote since: that stays.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { filterEntries } from "../../manifest/select-chunks.ts";
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
export function withoutWritten(
  plan: IndexPlan,
  written: Written,
  source: string,
  attributesAt: (path: string) => JsonObject | undefined,
): IndexPlan {
  const notes: Note[] = [];
  const nodes = plan.nodes.flatMap((node): (GroupPlan | ArrayPlan)[] => {
    if (node.kind === "group") return written.updated.has(node.path) ? [] : [node];
    if (node.existing !== true) return [node];
    const edited = written.updated.has(node.path) ? attributesAt(node.path) : undefined;
    if (edited) notes.push({ source, path: node.path, note: EDITED });
    const own = edited ? { ...node, metadata: { ...node.metadata, attributes: edited } } : node;
    const { kept, count } = withoutChunks(own, written.chunks.get(node.path) ?? []);
    if (count > 0) notes.push({ source, path: node.path, note: noteOf(count) });
    return [kept];
  });
  return { ...plan, nodes, notes: [...plan.notes, ...notes] };
}

/** What is told of metadata that stay. */
export const EDITED = "its metadata were changed in the repository: they stay";

/** What is told of chunks that stay. */
export function noteOf(chunks: number): string {
  return chunks === 1
    ? "one chunk that was written since stays, though its source changed"
    : `${chunks} chunks that were written since stay, though their sources changed`;
}

function withoutChunks(
  plan: ArrayPlan,
  chunks: readonly (readonly number[])[],
): { readonly kept: ArrayPlan; readonly count: number } {
  if (chunks.length === 0 || plan.rewrite === "all") return { kept: plan, count: 0 };
  const gridShape = gridShapeOf(plan.metadata);
  const written = new Set(chunks.map((coordinates) => gridPosition(coordinates, gridShape)));
  const stays = (position: number): boolean => written.has(position);
  let count = 0;
  const counted = (position: number): boolean => {
    count += Number(stays(position));
    return !stays(position);
  };
  const { references, rewrite, absent } = plan;
  const kept: ArrayPlan = {
    ...plan,
    references: references && filterEntries(references, (_, position) => counted(position)),
    rewrite: rewrite.filter(counted),
    absent: absent?.filter((coordinates) => counted(gridPosition(coordinates, gridShape))),
  };
  return { kept, count };
}
