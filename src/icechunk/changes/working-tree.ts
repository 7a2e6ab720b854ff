/**
 * The groups and arrays that a session sees: those of its base snapshot with its changes over them.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { isNodeName } from "../../zarr/tree.ts";
import { randomNodeId } from "../format/identifier.ts";
import { compareBytes } from "../format/order.ts";
import type { ArrayNode, KnownManifests, ManifestPart, Snapshot, SnapshotNode } from "../format/snapshot.ts";
import { ChangeSet, isWithin } from "./change-set.ts";
import { implicitGroup, type NodeContent } from "./node-content.ts";
import { normalizePath, parentPath } from "./node-path.ts";

export class WorkingTree {
  #base: Snapshot;
  #changes: ChangeSet;
  #nodes: ReadonlyMap<string, SnapshotNode>;
  /** The same map where this session may change it; until then it is the snapshot's own. */
  #own: Map<string, SnapshotNode> | undefined;
  /** Names of the members of each group, made when they are asked for. */
  #members: Map<string, Set<string>> | undefined;

  constructor(base: Snapshot, changes: ChangeSet = new ChangeSet()) {
    this.#base = base;
    this.#changes = changes;
    this.#own = changes.isEmpty ? undefined : changes.applyTo(base.nodes);
    this.#nodes = this.#own ?? base.nodes;
  }

  get base(): Snapshot {
    return this.#base;
  }

  get changes(): ChangeSet {
    return this.#changes;
  }

  /** The manifests that {@link nodes} may refer to. */
  get knownManifests(): KnownManifests {
    return this.#changes.knownManifests(this.#base);
  }

  /** By path. */
  get nodes(): ReadonlyMap<string, SnapshotNode> {
    return this.#nodes;
  }

  /** Puts the tree on another base, with these changes. */
  reset(base: Snapshot, changes: ChangeSet): void {
    this.#base = base;
    this.#changes = changes;
    this.#own = changes.isEmpty ? undefined : changes.applyTo(base.nodes);
    this.#nodes = this.#own ?? base.nodes;
    this.#members = undefined;
  }

  /** The array at a path. Errors: `NotFound`. */
  array(path: string): ArrayNode {
    const node = this.#nodes.get(normalizePath(path));
    if (node?.kind === "array") return node;
    throw new MoraineError("NotFound", node ? "this is a group, not an array" : "there is no such array", {
      path,
    });
  }

  /** Names of the members of a group, sorted; groups that only the paths of others imply are among them. */
  members(path: string): string[] {
    this.#members ??= membersOf(this.#nodes.keys());
    return [...(this.#members.get(path) ?? [])].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Whether a path is of a group that has no node of its own but members. */
  isImplicit(path: string): boolean {
    this.#members ??= membersOf(this.#nodes.keys());
    return !this.#nodes.has(path) && (path === "/" || this.#members.has(path));
  }

  /**
   * Adds a node, and the groups above it where they are not there.
   *
   * Errors: `AlreadyExists`, `InvalidArgument` for a name that no node may have or a place below an array.
   */
  create(path: string, content: NodeContent): SnapshotNode {
    const normal = normalizePath(path);
    if (this.#nodes.has(normal)) throw exists(normal);
    requireNames(normal);
    this.#createParents(normal);
    return this.#add(normal, content);
  }

  #createParents(path: string): void {
    const missing: string[] = [];
    for (let parent = parentPath(path); parent !== undefined; parent = parentPath(parent)) {
      const node = this.#nodes.get(parent);
      if (node?.kind === "array") {
        throw new MoraineError("InvalidArgument", `${parent} is an array, which has no members`, { path });
      }
      if (!node) missing.push(parent);
    }
    for (const parent of missing.reverse()) this.#add(parent, implicitGroup());
  }

  #add(path: string, content: NodeContent): SnapshotNode {
    const id = randomNodeId();
    const node: SnapshotNode =
      content.kind === "array" ? { ...content, id, path, manifests: [] } : { ...content, id, path };
    this.#changes.created.set(path, node);
    this.#set(path, node);
    return node;
  }

  /** Replaces the metadata of a node; the same bytes are no change. Errors: `AlreadyExists` for the other kind. */
  update(node: SnapshotNode, content: NodeContent): SnapshotNode {
    if (node.kind !== content.kind) {
      throw new MoraineError(
        "AlreadyExists",
        `there is already ${node.kind === "array" ? "an array" : "a group"}`,
        {
          path: node.path,
        },
      );
    }
    if (compareBytes(node.userData, content.userData) === 0) return node;
    // All of the content, as what it leaves out is to be gone.
    const updated: SnapshotNode =
      content.kind === "array" && node.kind === "array"
        ? { ...node, dimensionNames: undefined, ...content }
        : { ...node, userData: content.userData };
    this.#changes.update(node.path, updated, node);
    this.#set(node.path, updated);
    return updated;
  }

  /** Gives an array that was made here manifests that were written before the commit. */
  setManifests(node: ArrayNode, manifests: readonly ManifestPart[]): void {
    const changed: ArrayNode = { ...node, manifests };
    this.#changes.created.set(node.path, changed);
    this.#set(node.path, changed);
  }

  /** Deletes a node and all below it; nothing where it is not there. */
  delete(path: string): void {
    const normal = normalizePath(path);
    for (const [below, node] of [...this.#nodes]) {
      if (!isWithin(below, normal)) continue;
      this.#changes.delete(below, node);
      this.#ownNodes().delete(below);
      this.#members = undefined;
    }
  }

  /**
   * Gives a node and all below it other paths.
   *
   * Errors: `NotFound` where nothing is, or the new place is in no group; `AlreadyExists`; `InvalidArgument` for the
   * root or a place below the node itself.
   */
  move(from: string, to: string): void {
    const [source, target] = [normalizePath(from), normalizePath(to)];
    const parent = parentPath(target);
    if (source === "/" || parent === undefined) {
      throw new MoraineError("InvalidArgument", "the root cannot be moved", { path: source });
    }
    if (!this.#nodes.has(source)) {
      throw new MoraineError("NotFound", "there is no group or array to be moved", { path: source });
    }
    if (isWithin(target, source)) {
      throw new MoraineError("InvalidArgument", "a node cannot be moved into itself", { path: target });
    }
    requireNames(target);
    if (this.#nodes.has(target)) throw exists(target);
    if (this.#nodes.get(parent)?.kind !== "group") {
      throw new MoraineError("NotFound", "the new place is in no group", { path: target });
    }
    const nodes = this.#ownNodes();
    for (const [path, node] of [...nodes]) {
      if (!isWithin(path, source)) continue;
      const moved = target + path.slice(source.length);
      this.#changes.move(node, moved);
      nodes.delete(path);
      nodes.set(moved, { ...node, path: moved });
    }
    this.#members = undefined;
  }

  #set(path: string, node: SnapshotNode): void {
    if (!this.#nodes.has(path) && this.#members) addMember(this.#members, path);
    this.#ownNodes().set(path, node);
  }

  #ownNodes(): Map<string, SnapshotNode> {
    if (!this.#own) {
      this.#own = new Map(this.#nodes);
      this.#nodes = this.#own;
    }
    return this.#own;
  }
}

function exists(path: string): MoraineError {
  return new MoraineError("AlreadyExists", "there is a group or array of this name", { path });
}

function requireNames(path: string): void {
  for (const name of path === "/" ? [] : path.slice(1).split("/")) {
    if (!isNodeName(name)) {
      throw new MoraineError("InvalidArgument", `"${name}" cannot be the name of a node`, { path });
    }
  }
}

function membersOf(paths: Iterable<string>): Map<string, Set<string>> {
  const members = new Map<string, Set<string>>();
  for (const path of paths) addMember(members, path);
  return members;
}

function addMember(members: Map<string, Set<string>>, path: string): void {
  let child = path;
  for (let parent = parentPath(child); parent !== undefined; parent = parentPath(child)) {
    const name = child.slice(child.lastIndexOf("/") + 1);
    const names = members.get(parent);
    if (names?.has(name)) return;
    if (names) names.add(name);
    else members.set(parent, new Set([name]));
    child = parent;
  }
}
