/** Repositories in memory, and what is looked at in them. */

import { Repository, type RepositoryOptions } from "../../src/icechunk/repository.ts";
import type { Session } from "../../src/icechunk/session/session.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import type { Storage } from "../../src/storage/storage.ts";
import type { ArrayMetadata } from "../../src/zarr/array-metadata.ts";
import { parseArrayMetadata } from "../../src/zarr/metadata-v3.ts";

export const ADDRESS = "memory://repository";

export async function newRepository(
  options: RepositoryOptions = {},
  storage: Storage = new MemoryStorage(),
): Promise<Repository> {
  return Repository.create(storage, ADDRESS, options);
}

/** Bytes, 4 a chunk along each axis. */
export function byteArray(
  gridShape: readonly number[],
  attributes: ArrayMetadata["attributes"] = {},
): ArrayMetadata {
  return parseArrayMetadata({
    zarr_format: 3,
    node_type: "array",
    shape: gridShape.map((length) => 4 * length),
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: gridShape.map(() => 4) } },
    chunk_key_encoding: { name: "default" },
    fill_value: 0,
    codecs: [{ name: "bytes" }],
    attributes,
  });
}

/** All keys and their bytes, as text. */
export async function contents(session: Session): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const key of session.store.list()) {
    const bytes = (await session.store.get(key)) ?? new Uint8Array(0);
    found[key] = key.endsWith("zarr.json") ? new TextDecoder().decode(bytes) : bytes.join();
  }
  return found;
}

/** Keys of chunks and their bytes. */
export async function chunksOf(session: Session): Promise<Record<string, string>> {
  const all = await contents(session);
  return Object.fromEntries(Object.entries(all).filter(([key]) => !key.endsWith("zarr.json")));
}

/** Messages of a branch, newest first. */
export async function messages(repository: Repository, branch = "main"): Promise<string[]> {
  const found: string[] = [];
  for await (const { message } of repository.ancestry({ branch })) found.push(message);
  return found;
}

/** A chunk of its own: inline where it is short. */
export function chunk(value: number, length = 4): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Findings of the check that mean that something is wrong. */
export async function errorsOf(repository: Repository): Promise<string[]> {
  const { findings } = await repository.fsck();
  return findings.flatMap(({ severity, message, source, path }) =>
    severity === "error" ? `${message} (${source} ${path ?? ""})` : [],
  );
}
