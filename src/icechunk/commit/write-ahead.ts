/**
 * References of new arrays that come in order are written into manifests while a session fills, so that very many of them
 * need not be held until the commit. Manifests are content: nobody sees them before a snapshot refers to them, and those
 * of a session that is given up are garbage.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { Cells } from "../changes/boxes.ts";
import { ChunkChanges } from "../changes/chunk-changes.ts";
import { referencesBefore } from "../changes/merge-references.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import type { ChunkReferences } from "../format/chunk-references.ts";
import type { ArrayNode } from "../format/snapshot.ts";
import { DEFAULT_COMPRESSION_LEVEL } from "../repo-update.ts";
import { ManifestWriter } from "./commit-manifests.ts";
import { planArray } from "./manifest-plan.ts";
import { cellShape } from "./manifest-split.ts";
import type { CommitContext } from "./session-commit.ts";

/** References that a session holds before it writes some, where nothing else is asked for: about 30 MiB. */
export const HELD_REFERENCES: number = 1024 * 1024;

/**
 * Writes references of new arrays into manifests until few are held.
 *
 * @param most that should be held afterwards; those that came out of order are held nevertheless
 */
export async function writeAhead(
  context: CommitContext,
  most: number,
  options: StorageOptions = {},
): Promise<void> {
  // Cells that are whole need not be written again when more comes.
  if (heldBy(context.tree) > most) await writeHeld(context, "whole cells", options);
  if (heldBy(context.tree) > most) await writeHeld(context, "all", options);
}

function heldBy({ changes }: WorkingTree): number {
  let held = 0;
  for (const node of changes.created.values()) held += changes.chunks.get(node.id)?.held ?? 0;
  return held;
}

/** References of an array that are to be written. */
interface Ready {
  readonly node: ArrayNode;
  readonly changes: ChunkChanges;
  readonly gridShape: readonly number[];
  readonly references: ChunkReferences;
}

async function writeHeld(
  { files, settings, tree }: CommitContext,
  what: "whole cells" | "all",
  options: StorageOptions,
): Promise<void> {
  const { changes: all, base } = tree;
  const { splitSizes, compressionLevel = DEFAULT_COMPRESSION_LEVEL } = settings;
  const ready = [...all.created.values()].flatMap((node): Ready[] => {
    const changes = node.kind === "array" ? all.chunks.get(node.id) : undefined;
    const held = changes?.heldInOrder();
    if (node.kind !== "array" || !changes || !held || held.count === 0) return [];
    const references = what === "all" ? held : wholeCells(node, held, splitSizes);
    return references.count > 0 ? [{ node, changes, gridShape: changes.gridShape, references }] : [];
  });
  const writer = new ManifestWriter(files, compressionLevel, options);
  const kept = new Map<ArrayNode, ArrayNode["manifests"]>();
  for (const { node, changes, references } of ready) {
    const own = new ChunkChanges(changes.gridShape, changes.clip);
    own.setMany(references);
    const planned = await planArray(
      files,
      all.knownManifests(base),
      node,
      own,
      { splitSizes, all: false },
      options,
    );
    kept.set(node, planned.kept);
    await writer.add(planned.pieces);
  }
  const written = await writer.finish();
  // The session may have gone on meanwhile: what no longer fits is dropped, and stays held.
  if (tree.changes !== all) return;
  for (const { node, changes, gridShape, references } of ready) {
    const now = all.created.get(node.path);
    const isSame =
      now?.kind === "array" && all.chunks.get(now.id) === changes && now.manifests === node.manifests;
    if (!isSame || !changes.letGo(references, gridShape)) continue;
    const parts = written.parts.get(node.id) ?? [];
    for (const { manifestId } of parts) {
      const file = written.files.get(manifestId);
      if (file) all.writtenManifests.set(manifestId, file);
    }
    tree.setManifests(now, [...(kept.get(node) ?? []), ...parts]);
  }
}

/** The references before the last cell, which may not be whole yet. */
function wholeCells(
  node: ArrayNode,
  held: ChunkReferences,
  splitSizes: Parameters<typeof cellShape>[1],
): ChunkReferences {
  const cells = new Cells(node.gridShape, cellShape(node, splitSizes));
  const end = (held.positions?.[held.count - 1] ?? held.count - 1) + 1;
  return referencesBefore(held, cells.beginOf(end) ?? 0);
}
