/**
 * A format reader: address in, virtual group out.
 *
 * @module
 */

import type { VirtualGroup } from "../manifest/virtual-group.ts";
import type { Storage, StorageOptions } from "../storage/storage.ts";

/** One format. A further format is one more folder beside this file and one more line in the dataset room. */
export interface Reader {
  readonly name: string;
  /** Whether the first bytes (512 KiB, or the whole of a smaller object) are of this format. */
  matches(head: Uint8Array): boolean;
  /**
   * Scan a file. Errors of the whole file are thrown (`TruncatedFile`, `CorruptFile`, …) with source and
   * offset; those of one array stay with it.
   */
  open(address: string, storage: Storage, options?: StorageOptions): Promise<VirtualGroup>;
}
