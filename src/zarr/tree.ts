/**
 * Groups and arrays as a tree, wherever they come from: a store, a file, references, a repository.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { MoraineError } from "../errors.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "./array-metadata.ts";
import type { ChunkSource } from "./chunk-source.ts";

export type ZarrNode = GroupNode | ArrayNode | FaultyNode;

/** An array: its metadata, and where its chunks are. */
export interface ArrayNode {
  readonly kind: "array";
  readonly metadata: ArrayMetadata;
  readonly chunks: ChunkSource;
}

/** A node that is there but cannot be read; the rest of its tree can. */
export interface FaultyNode {
  readonly kind: "fault";
  readonly error: MoraineError;
}

/** A group whose members are looked up when they are asked for. */
export interface GroupNode {
  readonly kind: "group";
  readonly attributes: JsonObject;
  /** The member of this name, or undefined. */
  child(name: string, options?: StorageOptions): Promise<ZarrNode | undefined>;
  /** All members by name. */
  children(options?: StorageOptions): Promise<ReadonlyMap<string, ZarrNode>>;
  /** The same for a group that is reached by several paths. */
  readonly identity: object;
  /** Names of members that belong elsewhere in the tree: those of a group are walked under their own path. */
  readonly links?: ReadonlySet<string> | undefined;
}

/** Whether a node may have this name (Zarr v3 core 3.1 "node names"). */
export function isNodeName(name: string): boolean {
  return !/^\.*$/.test(name) && !name.includes("/") && name !== "zarr.json";
}

/** The parts of a path: `/a/b` and `a/b` are the same, `/` and the empty path the root. */
export function pathParts(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}

/** The node at a path below a group, or undefined. */
export async function nodeBelow(
  root: ZarrNode,
  path: string,
  options?: StorageOptions,
): Promise<ZarrNode | undefined> {
  let node: ZarrNode | undefined = root;
  for (const name of pathParts(path)) {
    if (node?.kind !== "group") return undefined;
    node = await node.child(name, options);
  }
  return node;
}

/**
 * Every node below a group with its path (without a slash in front), parents first, siblings by name. A group
 * that is reached twice is walked once.
 */
export async function* walkNodes(
  root: GroupNode,
  options?: StorageOptions,
): AsyncGenerator<{ readonly path: string; readonly node: ZarrNode }, void, undefined> {
  const seen = new Set<object>([root.identity]);
  const linked: { path: string; node: ZarrNode }[] = [];
  // Depth first: of several paths to a group the one counts that other programs meet first.
  const waiting: { path: string; node: ZarrNode }[] = [];
  const enter = async (group: GroupNode, prefix: string): Promise<void> => {
    const members: typeof waiting = [];
    for (const [name, node] of await group.children(options)) {
      const isLink = node.kind === "group" && group.links?.has(name);
      (isLink ? linked : members).push({ path: prefix + name, node });
    }
    waiting.push(...members.reverse());
  };
  await enter(root, "");
  for (;;) {
    const next = waiting.pop() ?? linked.shift();
    if (next === undefined) return;
    const { path, node } = next;
    if (node.kind === "group") {
      if (seen.has(node.identity)) continue;
      seen.add(node.identity);
      yield next;
      await enter(node, `${path}/`);
    } else yield next;
  }
}
