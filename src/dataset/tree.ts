/**
 * One view of every source: a tree of groups and arrays, whether it stands in a file, a Zarr store, a set of
 * references or a repository.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { FaultyArray, VirtualArray, VirtualGroup } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";

/** A node of a tree. */
export type TreeNode = TreeGroup | VirtualArray | FaultyArray;

/** A group whose children are looked up when they are asked for. */
export interface TreeGroup {
  readonly kind: "group";
  readonly attributes: JsonObject;
  /** The child of this name, or undefined. */
  child(name: string, options?: StorageOptions): Promise<TreeNode | undefined>;
  /** All children, in the order of the source. */
  children(options?: StorageOptions): Promise<ReadonlyMap<string, TreeNode>>;
  /** The same for a group reached by several hard links. */
  readonly identity: object;
}

/** A group of a file as a node of a tree. */
export function treeOfVirtualGroup(group: VirtualGroup): TreeGroup {
  const node = (child: VirtualGroup | VirtualArray | FaultyArray): TreeNode =>
    child.kind === "group" ? treeOfVirtualGroup(child) : child;
  return {
    kind: "group",
    attributes: group.attributes,
    identity: group,
    async child(name) {
      const child = group.children.get(name);
      return child && node(child);
    },
    async children() {
      return new Map([...group.children].map(([name, child]) => [name, node(child)]));
    },
  };
}

/** Where a node was found while walking: its path starts with a slash, the root's is `/`. */
export interface WalkedNode {
  readonly path: string;
  readonly node: TreeNode;
}

/**
 * Every node below a group, parents first. A group reached twice is walked once; an array is given under every
 * path that leads to it.
 */
export async function* walk(
  root: TreeGroup,
  options: StorageOptions = {},
): AsyncGenerator<WalkedNode, void, undefined> {
  const seen = new Set<object>([root.identity]);
  const waiting: { path: string; group: TreeGroup }[] = [{ path: "", group: root }];
  yield { path: "/", node: root };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const groups: typeof waiting = [];
    for (const [name, node] of await next.group.children(options)) {
      const path = `${next.path}/${name}`;
      if (node.kind === "group") {
        if (seen.has(node.identity)) continue;
        seen.add(node.identity);
        groups.push({ path, group: node });
      }
      yield { path, node };
    }
    waiting.push(...groups.reverse());
  }
}

/** The node at a path (`/a/b`, `a/b`; `/` and the empty path are the root), or undefined. */
export async function nodeAt(
  root: TreeGroup,
  path: string,
  options: StorageOptions = {},
): Promise<TreeNode | undefined> {
  let node: TreeNode | undefined = root;
  for (const name of path.split("/")) {
    if (name === "") continue;
    if (node?.kind !== "group") return undefined;
    node = await node.child(name, options);
  }
  return node;
}
