/**
 * What the chunks of an array are made of: how much lies in which file, and which commit last wrote there.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import type { HistoryEntry } from "../icechunk/history.ts";
import { type ChunkManifest, entryLocation } from "../manifest/chunk-manifest.ts";
import type { ChunkWriters } from "./chunk-writers.ts";

/** What lies in one file, in the repository's own objects, or inline. */
export interface Share {
  readonly kind: "virtual" | "native" | "inline";
  /** Address of the file; undefined for native and inline chunks. */
  readonly source?: string | undefined;
  /** Number of objects that hold native chunks. */
  readonly objects?: number | undefined;
  readonly chunks: number;
  /** Stored bytes. */
  readonly bytes: number;
  /** The last commit that wrote any of these chunks; undefined where no history tells. */
  readonly since?: HistoryEntry | undefined;
}

interface GrowingShare {
  kind: Share["kind"];
  source: string | undefined;
  objects: Set<number> | undefined;
  chunks: number;
  bytes: number;
  /** Number of commits after the last that wrote here. */
  newest: number;
}

/**
 * The shares of an array, those with most chunks first.
 *
 * @param writers of the entries of the manifest, by their numbers
 */
export function sharesOfArray(
  manifest: ChunkManifest,
  isNative: (location: string) => boolean,
  writers?: ChunkWriters,
): Share[] {
  const native = manifest.locations.map((location) => isNative(location));
  const shares = new Map<string, GrowingShare>();
  for (let entry = 0; entry < manifest.count; entry++) {
    const location = manifest.locationIndexes?.[entry] ?? 0;
    const isInline = manifest.inline.has(entry);
    const kind = isInline ? "inline" : native[location] ? "native" : "virtual";
    const source = kind === "virtual" ? entryLocation(manifest, entry) : undefined;
    const key = source ?? kind;
    let share = shares.get(key);
    if (share === undefined) {
      const objects = kind === "native" ? new Set<number>() : undefined;
      share = { kind, source, objects, chunks: 0, bytes: 0, newest: -1 };
      shares.set(key, share);
    }
    share.objects?.add(location);
    share.chunks += 1;
    share.bytes += manifest.lengths[entry] ?? 0;
    const writer = writers?.writer(entry) ?? -1;
    if (writer >= 0 && (share.newest < 0 || writer < share.newest)) share.newest = writer;
  }
  return [...shares.values()]
    .sort((a, b) => b.chunks - a.chunks)
    .map(({ kind, source, objects, chunks, bytes, newest }) => {
      const since = writers?.commit(newest);
      return {
        kind,
        ...(source !== undefined && { source }),
        ...(objects && { objects: objects.size }),
        chunks,
        bytes,
        ...(since && { since }),
      };
    });
}

/** Numbers of chunks by where they lie. */
export function countsOf(shares: readonly Share[]): Record<Share["kind"], number> {
  const counts = { virtual: 0, native: 0, inline: 0 };
  for (const { kind, chunks } of shares) counts[kind] += chunks;
  return counts;
}

/** Sources that a document lists of each array. */
const LISTED = 1000;

/** The shares of an array, of many sources those with most chunks. */
export function sharesToJson(shares: readonly Share[]): JsonObject {
  return {
    sources: shares.slice(0, LISTED).map(
      ({ kind, source, objects, chunks, bytes, since }): JsonObject => ({
        kind,
        ...(source !== undefined && { source }),
        ...(objects !== undefined && { objects }),
        chunks,
        bytes,
        ...(since && { snapshot: since.id, time: since.time.toISOString(), message: since.message }),
      }),
    ),
    ...(shares.length > LISTED && { more_sources: shares.length - LISTED }),
  };
}
