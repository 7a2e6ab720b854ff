/**
 * A session's groups and arrays as the tree that every source becomes.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError, type MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import type { ArrayNode, FaultyNode, GroupNode } from "../../zarr/tree.ts";
import { ArrayChunks, type ChunkContext } from "../changes/array-chunks.ts";
import { arrayMetadataOf, groupAttributesOf } from "../changes/node-content.ts";
import { childPath } from "../changes/node-path.ts";
import type { SnapshotNode } from "../format/snapshot.ts";

/** An array of a session. */
export interface SessionArray extends ArrayNode {
  /** With a slash in front. */
  readonly path: string;
  readonly metadata: ArrayMetadata;
  readonly chunks: ArrayChunks;
  /** All references of the array; native chunks lie at addresses in the repository. */
  manifest(options?: StorageOptions): Promise<ChunkManifest>;
}

export type SessionNode = SessionGroup | SessionArray | FaultyNode;

/** The node at a path, or undefined. What cannot be understood is a fault. */
export function sessionNode(context: ChunkContext, path: string): SessionNode | undefined {
  const node = context.tree.nodes.get(path);
  if (!node) {
    return context.tree.isImplicit(path) ? new SessionGroup(context, path, {}) : undefined;
  }
  try {
    return nodeOf(context, node);
  } catch (error) {
    if (!isMoraineError(error)) throw error;
    return { kind: "fault", error: placed(error, context, path) };
  }
}

function nodeOf(context: ChunkContext, node: SnapshotNode): SessionNode {
  const { address } = context.files;
  if (node.kind === "group") {
    return new SessionGroup(context, node.path, groupAttributesOf(node, address));
  }
  const chunks = new ArrayChunks(context, node);
  return {
    kind: "array",
    path: node.path,
    metadata: arrayMetadataOf(node, address),
    chunks,
    manifest: (options) => chunks.manifest(options),
  };
}

function placed(error: MoraineError, context: ChunkContext, path: string): MoraineError {
  return error.at({ source: context.files.address, path });
}

/** A group of a session; it shows the changes that are made after it was got. */
export class SessionGroup implements GroupNode {
  readonly kind = "group";
  /** With a slash in front; `/` for the root. */
  readonly path: string;
  readonly attributes: JsonObject;
  readonly #context: ChunkContext;

  constructor(context: ChunkContext, path: string, attributes: JsonObject) {
    this.#context = context;
    this.path = path;
    this.attributes = attributes;
  }

  get identity(): object {
    return this;
  }

  async child(name: string, _options?: StorageOptions): Promise<SessionNode | undefined> {
    if (name === "" || name.includes("/")) return undefined;
    return sessionNode(this.#context, childPath(this.path, name));
  }

  async children(_options?: StorageOptions): Promise<ReadonlyMap<string, SessionNode>> {
    const members = new Map<string, SessionNode>();
    for (const name of this.#context.tree.members(this.path)) {
      const node = sessionNode(this.#context, childPath(this.path, name));
      if (node) members.set(name, node);
    }
    return members;
  }
}
