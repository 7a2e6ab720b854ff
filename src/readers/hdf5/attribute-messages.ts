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
 * @returns a promise only where the object keeps attributes elsewhere than in its header
 * Errors: `CorruptFile`, `ChecksumMismatch`, … where the index over them is broken.
 */
export function readAttributeMessages(
  metadata: MetadataSource,
  header: ObjectHeader,
  shared: SharedMessages,
  options: StorageOptions,
): readonly HeaderMessage[] | Promise<readonly HeaderMessage[]> {
  const messages = header.messages.filter((message) => message.type === MESSAGE.attribute);
  const info = findMessage(header, MESSAGE.attributeInfo);
  if (info === undefined) return messages;
  const cursor = new Cursor(info.body, { source: metadata.source, start: info.offset });
  cursor.skip(1); // version
  const tracked = (cursor.u8() & TRACKS_CREATION_ORDER) !== 0;
  if (tracked) cursor.skip(2); // the largest
  const heap = cursor.uintOrUndefined(metadata.offsetSize);
  const index = cursor.uintOrUndefined(metadata.offsetSize);
  if (heap === undefined || index === undefined) return tracked ? messages.sort(byCreation) : messages;
  return readDense(metadata, heap, index, shared, options).then((dense) => {
    for (const message of dense) messages.push(message);
    return tracked ? messages.sort(byCreation) : messages;
  });
}

function byCreation(a: HeaderMessage, b: HeaderMessage): number {
  return (a.creationOrder ?? 0) - (b.creationOrder ?? 0);
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
  for (let from = 0; from < records.length; from += AT_ONCE) {
    const batch = records.slice(from, from + AT_ONCE);
    const own = batch.filter(({ flags }) => (flags & SHARED) === 0);
    const [objects, elsewhere] = await Promise.all([
      heap.objects(
        own.map(({ id }) => id),
        options,
      ),
      settle(
        batch
          .filter(({ flags }) => (flags & SHARED) !== 0)
          .map(({ id }) => shared.inHeap(MESSAGE.attribute, id, options)),
      ),
    ]);
    let [nextOwn, nextShared] = [0, 0];
    for (const record of batch) {
      const isShared = (record.flags & SHARED) !== 0;
      const found = isShared ? elsewhere[nextShared++] : objects[nextOwn++];
      if (found instanceof MoraineError) messages.push(faulty(record, found));
      else if (found) {
        const { flags, creationOrder } = record;
        const { bytes, offset } = found;
        messages.push({ type: MESSAGE.attribute, flags, body: bytes, offset, creationOrder });
      }
    }
  }
  return messages;
}

function faulty({ flags, creationOrder }: AttributeRecord, error: MoraineError): HeaderMessage {
  const body = new Uint8Array(0);
  return { type: MESSAGE.attribute, flags, body, offset: error.offset ?? 0, creationOrder, error };
}
