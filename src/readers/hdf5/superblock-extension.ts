/**
 * What a file says of itself beyond its superblock: the messages of the superblock extension (specification 4.0,
 * II.C) and the driver information block (II.B).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { BlockOptions } from "./file-blocks.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";

/** Drivers that spread a file over several. */
const SPREADING_DRIVERS: ReadonlySet<string> = new Set(["NCSAfami", "NCSAmult", "Subfilin"]);

export interface ExtensionFacts {
  /** Of the table of shared object header messages, and the number of its indexes. */
  readonly sharedMessages?: { readonly address: number; readonly indexes: number } | undefined;
  readonly chunkBTreeK?: number | undefined;
  readonly groupBTreeK?: number | undefined;
  readonly groupLeafK?: number | undefined;
  /** Bytes of a page, where metadata is kept together in pages. */
  readonly pageSize?: number | undefined;
  readonly cacheImage?: ObjectHeader["messages"][number] | undefined;
}

/** @throws `UnsupportedLayout` for a file that is spread over several, `CorruptFile` */
export function parseExtension(metadata: MetadataSource, header: ObjectHeader): ExtensionFacts {
  const open = (type: number): Cursor | undefined => {
    const message = findMessage(header, type);
    return message && new Cursor(message.body, { source: metadata.source, start: message.offset });
  };
  const driver = open(MESSAGE.driverInfo);
  if (driver) {
    driver.skip(1); // version
    refuseSpread(metadata, driver.text(8), driver.start);
  }
  const table = open(MESSAGE.sharedMessageTable);
  table?.skip(1);
  const k = open(MESSAGE.btreeK);
  k?.skip(1);
  return {
    sharedMessages: table && { address: table.uint(metadata.offsetSize), indexes: table.u8() },
    // In this order in the message.
    chunkBTreeK: k?.u16(),
    groupBTreeK: k?.u16(),
    groupLeafK: k?.u16(),
    pageSize: pageSize(open(MESSAGE.fileSpaceInfo), metadata.lengthSize),
    cacheImage: findMessage(header, MESSAGE.cacheImage),
  };
}

/** Strategy 1 of version 1 gathers metadata in pages; version 0 is older than pages. */
function pageSize(cursor: Cursor | undefined, lengthSize: number): number | undefined {
  if (cursor?.u8() !== 1) return undefined;
  const strategy = cursor.u8();
  cursor.skip(1 + lengthSize); // whether free space persists; smallest section
  const size = cursor.uint(lengthSize);
  return strategy === 1 ? size : undefined;
}

/** Reads the driver information block of a superblock of version 0 or 1. */
export async function checkDriverBlock(
  metadata: MetadataSource,
  address: number,
  options: BlockOptions,
): Promise<void> {
  const [bytes] = await metadata.read([{ address, length: 16 }], options);
  const cursor = new Cursor(bytes ?? new Uint8Array(0), {
    source: metadata.source,
    start: metadata.base + address,
  });
  cursor.skip(8); // version, reserved, bytes of what follows
  refuseSpread(metadata, cursor.text(8), cursor.start);
}

function refuseSpread(metadata: MetadataSource, driver: string, offset: number): void {
  if (!SPREADING_DRIVERS.has(driver)) return;
  throw new MoraineError("UnsupportedLayout", `the file is one of several (driver ${driver})`, {
    source: metadata.source,
    offset,
  });
}
