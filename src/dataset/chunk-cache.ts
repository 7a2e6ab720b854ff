/**
 * Remembering chunks of a source that is read again and again in small parts.
 *
 * @module
 */

import { CachedStorage } from "../storage/cached-storage.ts";
import type { StorageRouter } from "../storage/router.ts";
import type { Storage } from "../storage/storage.ts";

/** Blocks as long as most chunks are; what a read brings at once is at most 8 MiB. */
const BLOCK = 256 * 1024;
const LONGEST = 8 * 1024 * 1024;

/** The storage with a cache in front of it, if there is to be one. */
export function withChunkCache(storage: StorageRouter, bytes: number | undefined): Storage {
  if (!bytes) return storage;
  return new CachedStorage(storage, {
    blockSize: BLOCK,
    longest: LONGEST,
    maximumBytes: bytes,
    onEvent: (event) => storage.record(event),
  });
}
