/**
 * Sources that are no longer what the references of a repository were made from.
 *
 * @module
 */

import { isMoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import { mapConcurrent } from "../concurrent.ts";
import { sharesOf } from "../reference-sources.ts";
import { arrayPaths } from "./chunk-batches.ts";

const CONCURRENT_HEADS = 16;

/** A source that changed or went. */
export interface StaleSource {
  /** Its address. */
  readonly source: string;
  readonly state: "changed" | "gone";
  /** Chunks that lie in it, none where it was stored decoded, and their stored bytes. */
  readonly chunks: number;
  readonly bytes: number;
  /** Arrays that have chunks in it. */
  readonly paths: readonly string[];
}

/** The chunks of an array that lie in stale sources. */
export interface StaleChunks {
  readonly path: string;
  readonly manifest: ChunkManifest;
  readonly entries: readonly number[];
}

interface Use {
  readonly versions: Version[];
  readonly paths: string[];
  chunks: number;
  bytes: number;
}

/**
 * Compares every object that a session's references lead to, and every source that its history names, with what lies
 * there now. Sorted by address.
 *
 * Errors: those of the storage but `NotFound`.
 *
 * @param recorded versions that the history tells
 */
export async function staleSources(
  session: Session,
  recorded: ReadonlyMap<string, Version>,
  storage: Storage,
  options: StorageOptions = {},
): Promise<StaleSource[]> {
  const uses = new Map<string, Use>();
  const useOf = (source: string): Use => {
    const use = uses.get(source) ?? { versions: [], paths: [], chunks: 0, bytes: 0 };
    uses.set(source, use);
    return use;
  };
  for (const [source, version] of recorded) useOf(source).versions.push(version);
  for (const path of arrayPaths(session)) {
    for (const share of sharesOf(await session.manifest(path, options))) {
      if (session.isNative(share.location)) continue;
      const use = useOf(share.location);
      if (share.version !== undefined) use.versions.push(share.version);
      use.paths.push(path);
      use.chunks += share.chunks;
      use.bytes += share.bytes;
    }
  }
  const known = [...uses].sort(([a], [b]) => (a < b ? -1 : 1));
  const states = await mapConcurrent(known, CONCURRENT_HEADS, ([source, { versions }]) =>
    stateOf(source, versions, storage, options),
  );
  return known.flatMap(([source, { chunks, bytes, paths }], at): StaleSource[] => {
    const state = states[at];
    // Of a source that went and that nothing leads to any more, nothing is lost.
    return state === undefined || (state === "gone" && chunks === 0)
      ? []
      : [{ source, state, chunks, bytes, paths }];
  });
}

async function stateOf(
  source: string,
  versions: readonly Version[],
  storage: Storage,
  options: StorageOptions,
): Promise<StaleSource["state"] | undefined> {
  try {
    const found = await storage.head(source, { signal: options.signal });
    return versions.every((version) => sameVersion(found, version)) ? undefined : "changed";
  } catch (error) {
    // A folder has no version of its own.
    if (isMoraineError(error, "InvalidArgument")) return undefined;
    if (!isMoraineError(error, "NotFound")) throw error;
    // A source that has no version was a folder when it was indexed.
    const isFolder = versions.length > 0 && versions.every((version) => Object.keys(version).length === 0);
    return isFolder ? undefined : "gone";
  }
}
