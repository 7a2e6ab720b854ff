/**
 * A plan whose arrays are stored in another form than the sources have.
 *
 * @module
 */

import { isDense } from "../../manifest/chunk-manifest.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { changesForm, hasSameForm, inForm, type StorageForm } from "../storage-form.ts";
import type { IndexPlan } from "./plan.ts";
import type { ArrayPlan } from "./plan-array.ts";
import { touchedChunks } from "./touched-chunks.ts";

/**
 * The plan with other chunks, shards or compression: arrays that have another form then are decoded and stored anew,
 * the others stay as they are.
 *
 * Errors: as `inForm`.
 */
export function planInForm(plan: IndexPlan, form: StorageForm): IndexPlan {
  if (!changesForm(form)) return plan;
  const nodes = plan.nodes.map((node) => {
    if (node.kind === "group" || node.existing) return node;
    const metadata = inForm(node.metadata, form);
    if (hasSameForm(metadata, node.metadata)) return node;
    return { ...node, metadata, references: undefined, rewrite: rewrittenChunks(node, metadata) };
  });
  return { ...plan, nodes };
}

/** The chunks of the new form that hold anything but fill values. */
function rewrittenChunks(
  { metadata, references, rewrite }: ArrayPlan,
  formed: ArrayMetadata,
): ArrayPlan["rewrite"] {
  if (references === undefined || rewrite === "all" || isDense(references)) return "all";
  return touchedChunks(metadata, references, rewrite, formed);
}
