/**
 * Reads as much of a file as its header needs.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Storage, Version } from "../../storage/storage.ts";
import { type OpenOptions, readHead } from "../reader.ts";
import { type Header, parseHeader } from "./header.ts";

/** Blocks after the first bytes, which hold most headers. */
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
  options: OpenOptions = {},
): Promise<HeaderBlock> {
  const { signal } = options;
  const head = options.head ?? (await readHead(address, storage, { signal }));
  const { version } = head;
  const fileSize = version.size ?? (await storage.head(address, { signal })).size;
  let { bytes } = head;
  for (;;) {
    try {
      const header = parseHeader(bytes, address, fileSize);
      return { header, version: { ...version, size: fileSize }, fileSize };
    } catch (error) {
      if (!isMoraineError(error, "TruncatedFile") || bytes.length >= fileSize) throw error;
      if (bytes.length >= MAXIMUM_HEADER) {
        throw new MoraineError("LimitExceeded", `the header is longer than ${MAXIMUM_HEADER} bytes`, {
          source: address,
        });
      }
    }
    const length = Math.min(bytes.length * GROWTH, fileSize, MAXIMUM_HEADER);
    const { parts } = await storage.read(address, [{ offset: 0, length }], { signal, version });
    bytes = parts[0] ?? bytes;
  }
}
