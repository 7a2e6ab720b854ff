/**
 * What a session changed: nodes made, updated and deleted, and chunks. It stands by itself, so that it can be
 * laid over another base (rebase) or sent to another process and merged.
 *
 * @module
 */

import { sameShape } from "../../zarr/chunk-grid.ts";
import type { NodeId, ObjectId } from "../format/identifier.ts";
import type {
  ArrayNode,
  KnownManifests,
  ManifestFileInfo,
  Snapshot,
  SnapshotNode,
} from "../format/snapshot.ts";
import type { ChunkCoordinates, Move, TransactionLog } from "../format/transaction-log.ts";
import { ChunkChanges } from "./chunk-changes.ts";
import type { PositionRuns } from "./position-runs.ts";

/** A node of the base snapshot that was deleted. */
export interface DeletedNode {
  readonly path: string;
  readonly kind: "group" | "array";
}

/** Chunks of an array that a session changed. */
export interface TouchedChunks {
  readonly places: PositionRuns;
  readonly gridShape: readonly number[];
  /** Whether the session made the array. */
  readonly isNew: boolean;
}

export class ChangeSet {
  /** Nodes that the base does not have, by path. */
  readonly created: Map<string, SnapshotNode> = new Map();
  /** Nodes of the base with new `zarr.json`, by id. */
  readonly updated: Map<NodeId, SnapshotNode> = new Map();
  readonly deleted: Map<NodeId, DeletedNode> = new Map();
  readonly chunks: Map<NodeId, ChunkChanges> = new Map();
  /** Manifests that nodes made here refer to: they were written before the commit. */
  readonly writtenManifests: Map<ObjectId, ManifestFileInfo> = new Map();
  /** From where each node was to where it is now; only in sessions that rearrange, in which there is nothing else. */
  readonly moves: Map<NodeId, Move> = new Map();

  get isEmpty(): boolean {
    return (
      this.created.size === 0 &&
      this.updated.size === 0 &&
      this.deleted.size === 0 &&
      this.moves.size === 0 &&
      [...this.chunks.values()].every((changes) => changes.isEmpty)
    );
  }

  /** The changes of an array's chunks, begun where there are none. */
  chunksOf(node: ArrayNode): ChunkChanges {
    let changes = this.chunks.get(node.id);
    if (!changes) {
      changes = new ChunkChanges(node.gridShape);
      this.chunks.set(node.id, changes);
    }
    return changes;
  }

  /** A node gets new metadata; its shape may change with them. */
  update(path: string, node: SnapshotNode, before: SnapshotNode): void {
    if (node.kind === "array" && before.kind === "array" && !sameShape(node.gridShape, before.gridShape)) {
      this.chunksOf(before).resize(node.gridShape);
    }
    if (this.created.has(path)) this.created.set(path, node);
    else this.updated.set(node.id, node);
  }

  /** Notes that a node goes to another path; back where it was, it has not moved. */
  move(node: SnapshotNode, to: string): void {
    const from = this.moves.get(node.id)?.from ?? node.path;
    if (from === to) this.moves.delete(node.id);
    else this.moves.set(node.id, { from, to, nodeId: node.id, kind: node.kind });
  }

  /** The manifests that nodes may refer to: those of the base, and those that were written since. */
  knownManifests(base: Snapshot): KnownManifests {
    const { writtenManifests } = this;
    if (writtenManifests.size === 0) return base;
    return {
      id: base.id,
      manifestFiles: { get: (id) => writtenManifests.get(id) ?? base.manifestFiles.get(id) },
    };
  }

  delete(path: string, node: SnapshotNode): void {
    this.chunks.delete(node.id);
    this.updated.delete(node.id);
    if (this.created.get(path)?.id === node.id) this.created.delete(path);
    else this.deleted.set(node.id, { path, kind: node.kind });
  }

  /** The nodes of a base with the changes made. */
  applyTo(base: ReadonlyMap<string, SnapshotNode>): Map<string, SnapshotNode> {
    const nodes = new Map<string, SnapshotNode>();
    for (const [path, node] of base) {
      if (this.deleted.get(node.id)?.path === path) continue;
      const updated = this.updated.get(node.id);
      const moved = this.moves.get(node.id)?.to ?? path;
      nodes.set(moved, { ...(updated ? withBaseManifests(updated, node) : node), path: moved });
    }
    for (const [path, node] of this.created) nodes.set(path, node);
    return nodes;
  }

  /** All changes as one log. */
  toTransactionLog(): TransactionLog {
    const updatedChunks = new Map<NodeId, ChunkCoordinates>();
    for (const [id, { places, gridShape }] of this.touchedChunks()) {
      for (const chunks of places.blocks(gridShape, places.count)) updatedChunks.set(id, chunks);
    }
    return { ...this.nodeChanges(), updatedChunks };
  }

  /** What the log of a commit says of nodes; of chunks see {@link touchedChunks}. */
  nodeChanges(): Omit<TransactionLog, "updatedChunks"> {
    const ids = (nodes: Iterable<SnapshotNode>, kind: SnapshotNode["kind"]): Set<NodeId> =>
      new Set([...nodes].filter((node) => node.kind === kind).map((node) => node.id));
    const deleted = (kind: SnapshotNode["kind"]): Set<NodeId> =>
      new Set([...this.deleted].filter(([, node]) => node.kind === kind).map(([id]) => id));
    return {
      newGroups: ids(this.created.values(), "group"),
      newArrays: ids(this.created.values(), "array"),
      deletedGroups: deleted("group"),
      deletedArrays: deleted("array"),
      updatedArrays: ids(this.updated.values(), "array"),
      updatedGroups: ids(this.updated.values(), "group"),
      moves: [...this.moves.values()],
    };
  }

  /** Of each array with changed chunks which they are. */
  touchedChunks(): Map<NodeId, TouchedChunks> {
    const newArrays = new Set([...this.created.values()].map(({ id }) => id));
    const touched = new Map<NodeId, TouchedChunks>();
    for (const [id, changes] of this.chunks) {
      const places = changes.touched();
      const { gridShape } = changes;
      if (places.count > 0) touched.set(id, { places, gridShape, isNew: newArrays.has(id) });
    }
    return touched;
  }
}

/** References are where the base has them, not where they were when the node was updated. */
function withBaseManifests(updated: SnapshotNode, base: SnapshotNode): SnapshotNode {
  return updated.kind === "array" && base.kind === "array"
    ? { ...updated, manifests: base.manifests }
    : updated;
}

/** Whether a path is below another, or the same. */
export function isWithin(path: string, ancestor: string): boolean {
  return ancestor === "/" || path === ancestor || path.startsWith(`${ancestor}/`);
}
