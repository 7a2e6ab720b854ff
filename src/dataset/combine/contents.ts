/**
 * What one of many sources holds, by path.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { type OpenedSource, walkSource } from "../source.ts";

export interface Contents {
  readonly source: OpenedSource;
  /** Attributes of each group. */
  readonly groups: ReadonlyMap<string, JsonObject>;
  readonly arrays: ReadonlyMap<string, VirtualArray>;
  /** Arrays that are there but cannot be read. */
  readonly faults: ReadonlyMap<string, MoraineError>;
  /** Whether the target holds this already; only the first of several can be such. */
  readonly isStored?: boolean | undefined;
  /** First element along the dimension of the join where these take the place of what the target holds. */
  readonly at?: number | undefined;
  /** Arrays that nobody can read any more as they are stored, without the dimension of the join. */
  readonly stale?: ReadonlySet<string> | undefined;
}

/** Walks a source. Errors: `InvalidArgument` for one that is an array by itself. */
export async function contentsOf(source: OpenedSource, options: StorageOptions): Promise<Contents> {
  if (source.root.kind === "array") {
    throw new MoraineError(
      "InvalidArgument",
      "this is an array by itself; combine the groups that hold such",
      {
        source: source.address,
      },
    );
  }
  const groups = new Map<string, JsonObject>();
  const arrays = new Map<string, VirtualArray>();
  const faults = new Map<string, MoraineError>();
  for await (const { path, node } of walkSource(source, "/", options)) {
    if (node.kind === "group") groups.set(path, node.attributes);
    else if (node.hidden === true) continue;
    else if (node.kind === "array") arrays.set(path, node);
    else faults.set(path, node.error);
  }
  return { source, groups, arrays, faults };
}

/** The last name of a path. */
export function nameOfPath(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The path of the group that holds a node. */
export function parentOfPath(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

/** Whether an array is the coordinate of its own dimension. */
export function isIndexCoordinate(path: string, { metadata }: VirtualArray): boolean {
  return metadata.shape.length === 1 && metadata.dimensionNames?.[0] === nameOfPath(path);
}
