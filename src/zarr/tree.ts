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

/** Groups that have several paths are walked again under each until so many nodes were: paths can be exponentially many. */
export const MAXIMUM_REPEATED = 100_000;

export interface WalkOptions extends StorageOptions {
  /** Walks a group that is reached by several paths under the first, those by hard links first; else under each. */
  readonly once?: boolean | undefined;
}

interface Waiting {
  readonly path: string;
  readonly node: ZarrNode;
  readonly above: Entered | undefined;
}

/** A group on the way to a node. */
interface Entered {
  readonly identity: object;
  readonly above: Entered | undefined;
}

/**
 * Every node below a group with its path (without a slash in front), parents first, siblings by name. A group
 * inside of itself is not walked again.
 */
export async function* walkNodes(
  root: GroupNode,
  options: WalkOptions = {},
): AsyncGenerator<{ readonly path: string; readonly node: ZarrNode }, void, undefined> {
  const seen = new Set<object>();
  let repeated = 0;
  const linked: Waiting[] = [];
  // Depth first: of several paths to a group the one counts that other programs meet first.
  const waiting: Waiting[] = [];
  const enter = async (group: GroupNode, prefix: string, above: Entered | undefined): Promise<void> => {
    const members: Waiting[] = [];
    const entered = { identity: group.identity, above };
    const children = await group.children(options);
    for (const [name, node] of children) {
      const isLink = options.once && node.kind === "group" && group.links?.has(name);
      (isLink ? linked : members).push({ path: prefix + name, node, above: entered });
    }
    for (const member of members.reverse()) waiting.push(member);
    if (seen.has(group.identity)) repeated += 1 + children.size;
    seen.add(group.identity);
  };
  await enter(root, "", undefined);
  for (;;) {
    const next = waiting.pop() ?? linked.shift();
    if (next === undefined) return;
    const { path, node, above } = next;
    if (node.kind !== "group") yield { path, node };
    else if (
      !seen.has(node.identity) ||
      (!options.once && repeated < MAXIMUM_REPEATED && !isWithin(above, node))
    ) {
      yield { path, node };
      await enter(node, `${path}/`, above);
    }
  }
}

function isWithin(above: Entered | undefined, { identity }: GroupNode): boolean {
  for (let at = above; at; at = at.above) if (at.identity === identity) return true;
  return false;
}
