/**
 * A plan whose arrays are stored in another form than the sources have.
 *
 * @module
 */

import { wholeManifest } from "../../manifest/manifest-parts.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { changesForm, hasSameForm, inForm, type StorageForm } from "../storage-form.ts";
import type { IndexPlan } from "./plan.ts";
import { type ArrayPlan, chunkCount } from "./plan-array.ts";
import { touchedChunks } from "./touched-chunks.ts";

/**
 * The plan with other chunks, shards or compression: arrays that have another form then are decoded and stored anew,
 * the others stay as they are.
 *
 * Errors: as `inForm`.
 */
export async function planInForm(
  plan: IndexPlan,
  form: StorageForm,
  options: StorageOptions = {},
): Promise<IndexPlan> {
  if (!changesForm(form)) return plan;
  const nodes: IndexPlan["nodes"][number][] = [];
  for (const node of plan.nodes) {
    const metadata = node.kind === "group" || node.existing ? undefined : inForm(node.metadata, form);
    if (node.kind === "group" || metadata === undefined || hasSameForm(metadata, node.metadata))
      nodes.push(node);
    else {
      const rewrite = await rewrittenChunks(node, metadata, options);
      nodes.push({ ...node, metadata, references: undefined, rewrite });
    }
  }
  return { ...plan, nodes };
}

/** The chunks of the new form that hold anything but fill values. */
async function rewrittenChunks(
  { metadata, references, rewrite }: ArrayPlan,
  formed: ArrayMetadata,
  options: StorageOptions,
): Promise<ArrayPlan["rewrite"]> {
  if (references === undefined || rewrite === "all" || references.count === chunkCount(metadata))
    return "all";
  return touchedChunks(metadata, await wholeManifest(references, options), rewrite, formed);
}
