/**
 * Opens a source and finds out all that it holds, so that it need not stay open.
 *
 * @module
 */

import { openSource } from "../open.ts";
import type { OpenedSource } from "../source.ts";
import { OwnReads } from "./own-reads.ts";
import { type ScannedFile, scanFile } from "./scanned-file.ts";
import type { ScanOptions } from "./scanned-source.ts";

/** What an address led to: all of a file, or a source that has to stay open. */
export type ScanResult =
  | { readonly kind: "scanned"; readonly file: ScannedFile }
  | { readonly kind: "opened"; readonly source: OpenedSource };

/** Scans what lies at an address. Errors: those of `openSource`. */
export async function scanSource(address: string, options: ScanOptions): Promise<ScanResult> {
  const reads = new OwnReads(options.storage, address);
  const source = await openSource(address, { ...options, storage: reads });
  const file = await scanFile(source, reads, options);
  return file ? { kind: "scanned", file } : { kind: "opened", source };
}
