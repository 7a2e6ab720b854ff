/**
 * A format reader: address in, virtual group (or array) out.
 *
 * @module
 */
import type { VirtualArray, VirtualGroup } from "../manifest/virtual-group.ts";
import { schemeOf } from "../storage/address.ts";
import type { Storage, StorageOptions, Version } from "../storage/storage.ts";

/** The first bytes of a file, as many as there are up to {@link headBytes}, and the version they are of. */
export interface FileHead {
  readonly bytes: Uint8Array;
  readonly version: Version;
}

/**
 * A first request of this size holds most metadata of most files: over a network it costs little more than the
 * round trips that it saves.
 */
export const HEAD_BYTES: number = 256 * 1024;
/** On this machine a second one costs next to nothing, and what is read in vain as much as what is used. */
const NEAR_HEAD_BYTES = 64 * 1024;

/** Bytes of the first request to an address. */
export function headBytes(address: string): number {
  return schemeOf(address) === "file" ? NEAR_HEAD_BYTES : HEAD_BYTES;
}

export interface OpenOptions extends StorageOptions {
  /** Where it is at hand already. */
  readonly head?: FileHead | undefined;
  /** Address prefixes that references in the file may lead to, where the format has references by address. */
  readonly authorize?: readonly string[] | undefined;
}

/**
 * One format, of groups or of single arrays. A further format is one more folder beside this file and one more line in
 * the dataset room.
 */
export interface Reader<Root extends VirtualGroup | VirtualArray = VirtualGroup> {
  readonly name: string;
  /** Whether the first bytes ({@link headBytes}, or the whole of a smaller object) are of this format. */
  matches(head: Uint8Array): boolean;
  /**
   * Scan a file. Errors of the whole file are thrown (`TruncatedFile`, `CorruptFile`, …) with source and
   * offset; those of one array stay with it.
   */
  open(address: string, storage: Storage, options?: OpenOptions): Promise<Root>;
}

/** Reads the first bytes of a file. Errors: those of the storage. */
export async function readHead(
  address: string,
  storage: Storage,
  options: StorageOptions = {},
): Promise<FileHead> {
  const range = { offset: 0, length: headBytes(address) };
  const { parts, version } = await storage.read(address, [range], { signal: options.signal, clip: true });
  return { bytes: parts[0] ?? new Uint8Array(0), version };
}
