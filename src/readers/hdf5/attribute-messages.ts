/**
 * The attribute messages of an object, wherever it keeps them (specification 4.0, IV.A.2.m "The Attribute
 * Message" and IV.A.2.v "The Attribute Info Message").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { type BTreeRecords, readBTreeV2 } from "./btree-v2.ts";
import { settle } from "./faults.ts";
import { FractalHeap } from "./fractal-heap/fractal-heap.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { findMessage, type HeaderMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";
import { SHARED, type SharedMessages } from "./shared-messages.ts";

const TRACKS_CREATION_ORDER = 1;
/** Records of attributes by the hash of their names: heap identifier, message flags, creation order, hash. */
const BY_NAME = 8;
const HEAP_ID = 8;
/** Attributes that are looked up in a heap side by side. */
const AT_ONCE = 4096;

/**
 * By creation order where the object tracks it, else in the order of the file. An attribute that cannot be had
 * carries its fault.
 *
 * Errors: `CorruptFile`, `ChecksumMismatch`, … where the index over them is broken.
 */
export async function readAttributeMessages(
  metadata: MetadataSource,
  header: ObjectHeader,
  shared: SharedMessages,
  options: StorageOptions,
): Promise<readonly HeaderMessage[]> {
  const messages = header.messages.filter((message) => message.type === MESSAGE.attribute);
  const info = findMessage(header, MESSAGE.attributeInfo);
  if (info === undefined) return messages;
  const cursor = new Cursor(info.body, { source: metadata.source, start: info.offset });
  cursor.skip(1); // version
  const tracked = (cursor.u8() & TRACKS_CREATION_ORDER) !== 0;
  if (tracked) cursor.skip(2); // the largest
  const heap = cursor.uintOrUndefined(metadata.offsetSize);
  const index = cursor.uintOrUndefined(metadata.offsetSize);
  if (heap !== undefined && index !== undefined) {
    for (const message of await readDense(metadata, heap, index, shared, options)) messages.push(message);
  }
  if (tracked) messages.sort((a, b) => (a.creationOrder ?? 0) - (b.creationOrder ?? 0));
  return messages;
}

interface AttributeRecord {
  readonly id: Uint8Array;
  readonly flags: number;
  readonly creationOrder: number;
}

async function readDense(
  metadata: MetadataSource,
  heapAddress: number,
  index: number,
  shared: SharedMessages,
  options: StorageOptions,
): Promise<HeaderMessage[]> {
  const records: AttributeRecord[] = [];
  const collect = ({ bytes, count, size, offset }: BTreeRecords): void => {
    const cursor = new Cursor(bytes, { source: metadata.source, start: offset });
    for (let i = 0; i < count; i++) {
      cursor.position = i * size;
      records.push({ id: cursor.take(HEAP_ID), flags: cursor.u8(), creationOrder: cursor.u32() });
    }
  };
  const [heap] = await Promise.all([
    FractalHeap.open(metadata, heapAddress, options),
    readBTreeV2(metadata, index, [BY_NAME], collect, options),
  ]);
  const messages: HeaderMessage[] = [];
  const read = async ({ id, flags, creationOrder }: AttributeRecord): Promise<HeaderMessage> => {
    const { body, offset } =
      (flags & SHARED) !== 0
        ? await shared.inHeap(MESSAGE.attribute, id, options)
        : await heap.object(id, options).then(({ bytes, offset }) => ({ body: bytes, offset }));
    return { type: MESSAGE.attribute, flags, body, offset, creationOrder };
  };
  for (let from = 0; from < records.length; from += AT_ONCE) {
    const batch = records.slice(from, from + AT_ONCE);
    const found = await settle(batch.map(read));
    for (const [i, record] of batch.entries()) {
      const message = found[i];
      if (message instanceof MoraineError) messages.push(faulty(record, message));
      else if (message) messages.push(message);
    }
  }
  return messages;
}

function faulty({ flags, creationOrder }: AttributeRecord, error: MoraineError): HeaderMessage {
  const body = new Uint8Array(0);
  return { type: MESSAGE.attribute, flags, body, offset: error.offset ?? 0, creationOrder, error };
}
