/**
 * How much a repository holds, counted once however many snapshots share it.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { boxOfGrid } from "../changes/boxes.ts";
import { INLINE, MISSING, NATIVE } from "../format/chunk-references.ts";
import { encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "../format/identifier.ts";
import type { RepoInfo } from "../format/repo.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";

/** Files or chunks, and their bytes as stored. */
export interface Amount {
  readonly count: number;
  readonly bytes: number;
}

/** What a repository holds, by kind. */
export interface StorageStatistics {
  /** Files by kind, garbage among them. */
  readonly files: {
    readonly snapshots: Amount;
    readonly transactionLogs: Amount;
    readonly manifests: Amount;
    readonly chunks: Amount;
    readonly backups: Amount;
  };
  /** Different chunks of all snapshots of the history, by where their bytes are. */
  readonly chunks: { readonly native: Amount; readonly inline: Amount; readonly virtual: Amount };
}

/** Walks all snapshots of a history. Remembers each different native and virtual chunk while it runs. */
export async function storageStatistics(
  files: RepositoryFiles,
  info: RepoInfo,
  options: StorageOptions = {},
): Promise<StorageStatistics> {
  const native = new DistinctRanges();
  const virtual = new DistinctRanges();
  const inline = { count: 0, bytes: 0 };
  const seen = new Set<string>();
  for (const id of info.snapshots.keys()) {
    const snapshot = await files.snapshot(id, options);
    for (const node of snapshot.nodes.values()) {
      if (node.kind !== "array") continue;
      for (const part of node.manifests) {
        const key = `${part.manifestId}/${node.id}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const manifest = await files.manifestOf(snapshot, part, options);
        const { count, kinds, objects, offsets, lengths, chunkIds, virtualObjects } = manifest.references(
          node.id,
          node.gridShape,
          boxOfGrid(node.gridShape),
        );
        for (let entry = 0; entry < count; entry++) {
          const [kind, object, length] = [kinds[entry] ?? MISSING, objects[entry] ?? 0, lengths[entry] ?? 0];
          if (kind === INLINE) {
            inline.count += 1;
            inline.bytes += length;
          } else if (kind === NATIVE) {
            const at = object * OBJECT_ID_BYTES;
            native.add(
              encodeIdentifier(chunkIds.subarray(at, at + OBJECT_ID_BYTES)),
              offsets[entry] ?? 0,
              length,
            );
          } else {
            virtual.add(virtualObjects[object]?.location ?? "", offsets[entry] ?? 0, length);
          }
        }
      }
    }
  }
  const folder = (name: string): Promise<Amount> => amountIn(files, name, options);
  return {
    files: {
      snapshots: await folder(FOLDERS.snapshot),
      transactionLogs: await folder(FOLDERS.transactionLog),
      manifests: await folder(FOLDERS.manifest),
      chunks: await folder(FOLDERS.chunk),
      backups: await folder(FOLDERS.overwritten),
    },
    chunks: { native: native.amount, inline, virtual: virtual.amount },
  };
}

/** Ranges of objects, each counted once. */
class DistinctRanges {
  readonly #ranges = new Map<ObjectId | string, Map<number, number>>();
  #count = 0;
  #bytes = 0;

  add(object: string, offset: number, length: number): void {
    let ranges = this.#ranges.get(object);
    if (!ranges) {
      ranges = new Map();
      this.#ranges.set(object, ranges);
    }
    if (ranges.get(offset) === length) return;
    ranges.set(offset, length);
    this.#count += 1;
    this.#bytes += length;
  }

  get amount(): Amount {
    return { count: this.#count, bytes: this.#bytes };
  }
}

async function amountIn(files: RepositoryFiles, folder: string, options: StorageOptions): Promise<Amount> {
  let [count, bytes] = [0, 0];
  for await (const { size } of files.storage.list(`${files.addressOf(folder)}/`, options)) {
    count += 1;
    bytes += size ?? 0;
  }
  return { count, bytes };
}
