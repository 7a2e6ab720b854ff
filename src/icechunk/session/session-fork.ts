/**
 * Forked sessions: changes made elsewhere, as plain data, and their way back (Icechunk, "Distributed writes").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { DeletedNode } from "../changes/change-set.ts";
import { allReferences } from "../changes/chunk-lookup.ts";
import type { ChunkPacking } from "../changes/chunk-packing.ts";
import { regrid } from "../changes/merge-references.ts";
import type { WorkingTree } from "../changes/working-tree.ts";
import { logsOf } from "../commit/commit-logs.ts";
import { type CommitContext, writeTree } from "../commit/session-commit.ts";
import type { ChunkReferences } from "../format/chunk-references.ts";
import type { NodeId, ObjectId } from "../format/identifier.ts";
import { compareBytes } from "../format/order.ts";
import type { ArrayNode, SnapshotNode } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";

/** What a session changed, as data that can be cloned into another thread. */
export interface SessionChanges {
  readonly created: ReadonlyMap<string, SnapshotNode>;
  readonly updated: ReadonlyMap<NodeId, SnapshotNode>;
  readonly deleted: ReadonlyMap<NodeId, DeletedNode>;
  readonly chunks: ReadonlyMap<NodeId, ArrayChunkChanges>;
}

/** Changes of the chunks of an array. */
export interface ArrayChunkChanges {
  /** The smallest grid that the array had meanwhile. */
  readonly clip: readonly number[];
  readonly references: ChunkReferences;
}

/**
 * The snapshot that a fork begins with: the base of a session without changes, else one that is written for it. No
 * history leads to that one, and its files are garbage when the fork is done.
 */
export async function forkPoint(
  context: CommitContext,
  packing: ChunkPacking,
  options: StorageOptions,
): Promise<ObjectId> {
  const { tree } = context;
  if (tree.changes.isEmpty) return tree.base.id;
  await packing.finish(options);
  return (await writeTree(context, logsOf(tree.changes), "fork", options)).id;
}

/**
 * A session's changes. All its native chunks must be stored. References that are in manifests already come along as if
 * they were not.
 */
export async function exportChanges(
  files: RepositoryFiles,
  tree: WorkingTree,
  options: StorageOptions,
): Promise<SessionChanges> {
  const { created, updated, deleted } = tree.changes;
  const made = new Map([...created.values()].map((node) => [node.id, node]));
  const chunks = new Map<NodeId, ArrayChunkChanges>();
  for (const [id, changes] of tree.changes.chunks) {
    const node = made.get(id);
    const references =
      node?.kind === "array" && node.manifests.length > 0
        ? await allReferences(files, { known: tree.knownManifests, node, changes }, options)
        : changes.references();
    chunks.set(id, { clip: changes.clip, references });
  }
  return { created: new Map(created), updated: new Map(updated), deleted: new Map(deleted), chunks };
}

/** Lays a fork's changes over a session's. Errors: `Conflict`, before anything is changed. */
export function mergeChanges(tree: WorkingTree, fork: SessionChanges): void {
  const ours = new Map([...tree.nodes.values()].map((node) => [node.id, node]));
  requireMergeable(tree, fork, ours);
  const { changes } = tree;
  for (const [id, { path }] of fork.deleted) if (ours.has(id)) tree.delete(path);
  for (const [path, node] of fork.created) {
    const existing = tree.nodes.get(path);
    if (!existing) changes.created.set(path, withoutManifests(node));
  }
  for (const [id, node] of fork.updated) {
    const before = ours.get(id);
    if (before) changes.update(before.path, keepManifests(node, before), before);
  }
  tree.reset(tree.base, changes);
  const nodes = new Map([...tree.nodes.values()].map((node) => [node.id, node]));
  for (const [id, { clip, references }] of fork.chunks) {
    const node = nodes.get(id);
    if (node?.kind !== "array") continue;
    const own = changes.chunksOf(node);
    if (clip.some((length, axis) => length < (own.clip[axis] ?? 0))) {
      own.resize(clip);
      own.resize(node.gridShape);
    }
    if (references.count > 0) own.setMany(regrid(references, node.gridShape));
  }
}

function requireMergeable(
  tree: WorkingTree,
  fork: SessionChanges,
  ours: ReadonlyMap<NodeId, SnapshotNode>,
): void {
  const { changes } = tree;
  for (const [path, node] of fork.created) {
    const existing = tree.nodes.get(path);
    if (!existing || existing.id === node.id || fork.deleted.has(existing.id)) continue;
    // Groups that both needed as parents are the same where they say the same.
    const alike =
      node.kind === "group" &&
      existing.kind === "group" &&
      compareBytes(node.userData, existing.userData) === 0;
    if (!alike) throw conflict("both made a node", path);
  }
  for (const [id, node] of fork.updated) {
    const existing = ours.get(id);
    if (!existing) throw conflict("one changed the metadata of a node that the other deleted", node.path);
    const changedHere = changes.updated.has(id);
    if (changedHere && compareBytes(existing.userData, node.userData) !== 0) {
      throw conflict("both changed the metadata of a node", node.path);
    }
  }
  for (const [id, { path }] of fork.deleted) {
    if (changes.updated.has(id) || changes.chunks.get(id)?.isEmpty === false) {
      throw conflict("one deleted a node that the other changed", path);
    }
  }
  const made = new Map([...fork.created.values()].map((node) => [node.id, node]));
  for (const [id, { references }] of fork.chunks) {
    const node = fork.updated.get(id) ?? ours.get(id) ?? made.get(id);
    if (references.count === 0 && !node) continue;
    if (node?.kind !== "array") throw conflict("one changed chunks of an array that the other deleted", id);
    if (regrid(references, node.gridShape).count !== references.count) {
      throw conflict("one set chunks of an array outside of the shape that the other gave it", node.path);
    }
  }
}

function conflict(what: string, path: string): MoraineError {
  return new MoraineError("Conflict", `the sessions cannot be merged: ${what}`, { path });
}

/** A fork's manifests are of a snapshot that no history leads to: what they hold comes as changes. */
function withoutManifests(node: SnapshotNode): SnapshotNode {
  return node.kind === "array" ? { ...node, manifests: [] } : node;
}

function keepManifests(node: SnapshotNode, before: SnapshotNode): SnapshotNode {
  const manifests: ArrayNode["manifests"] = before.kind === "array" ? before.manifests : [];
  return node.kind === "array" ? { ...node, manifests } : node;
}
