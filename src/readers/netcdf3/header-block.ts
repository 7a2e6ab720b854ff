/**
 * Reads as much of a file as its header needs.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { type Header, parseHeader } from "./header.ts";

/** Most headers fit; over a network this costs little more than the round trip. */
const FIRST_BLOCK = 64 * 1024;
const GROWTH = 8;
/** No header of a real file comes near. */
const MAXIMUM_HEADER = 32 * 1024 * 1024;

export interface HeaderBlock {
  readonly header: Header;
  readonly version: Version;
  /** Bytes of the file. */
  readonly fileSize: number;
}

/**
 * Reads the header in one request, or a few for long ones: each block is eight times the one before.
 *
 * Errors: those of the header; `LimitExceeded` for one longer than 32 MiB.
 */
export async function readHeader(
  address: string,
  storage: Storage,
  options?: StorageOptions,
): Promise<HeaderBlock> {
  const { size: fileSize, ...state } = await storage.head(address, options);
  const version: Version = { ...state, size: fileSize };
  for (let block = FIRST_BLOCK; ; block *= GROWTH) {
    const length = Math.min(block, fileSize, MAXIMUM_HEADER);
    const { parts } = await storage.read(address, [{ offset: 0, length }], { ...options, version });
    try {
      const header = parseHeader(parts[0] ?? new Uint8Array(0), address, fileSize);
      return { header, version, fileSize };
    } catch (error) {
      if (!isMoraineError(error, "TruncatedFile") || length === fileSize) throw error;
      if (length === MAXIMUM_HEADER) {
        throw new MoraineError("LimitExceeded", `the header is longer than ${MAXIMUM_HEADER} bytes`, {
          source: address,
        });
      }
    }
  }
}
