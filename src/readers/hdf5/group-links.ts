/**
 * The links of a group, wherever it keeps them (specification 4.0, IV.A.2.c "The Link Info Message").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { type BTreeRecords, readBTreeV2 } from "./btree-v2.ts";
import { FractalHeap } from "./fractal-heap/fractal-heap.ts";
import { type Link, parseLink } from "./link.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { findMessage, MESSAGE, type ObjectHeader } from "./object-header.ts";
import { type GroupNodeSizes, readSymbolTable } from "./symbol-table.ts";

const TRACKS_CREATION_ORDER = 1;
/** Records of links by the hash of their names: the hash, then the heap's identifier. */
const BY_NAME = 5;
const HASH = 4;

/**
 * By creation order where the group tracks it, else by name; empty for an object that is no group.
 *
 * Errors: `CorruptFile`, `ChecksumMismatch`, `UnsupportedVersion`, `UnsupportedFilter`.
 */
export async function readLinks(
  metadata: MetadataSource,
  header: ObjectHeader,
  sizes: GroupNodeSizes,
  options: StorageOptions,
): Promise<readonly Link[]> {
  const links: Link[] = [];
  let tracked = false;
  const symbolTable = findMessage(header, MESSAGE.symbolTable);
  if (symbolTable) links.push(...(await readSymbolTable(metadata, symbolTable, sizes, options)));
  const info = findMessage(header, MESSAGE.linkInfo);
  if (info) {
    const cursor = new Cursor(info.body, { source: metadata.source, start: info.offset });
    const dense = parseLinkInfo(cursor, metadata.offsetSize);
    tracked = dense.tracked;
    if (dense.heap !== undefined && dense.index !== undefined) {
      for (const link of await readDense(metadata, dense.heap, dense.index, options)) links.push(link);
    }
  }
  for (const message of header.messages) {
    if (message.type !== MESSAGE.link) continue;
    if (message.error) throw message.error;
    const cursor = new Cursor(message.body, { source: metadata.source, start: message.offset });
    links.push(parseLink(cursor, metadata.offsetSize));
  }
  return links.sort(tracked ? byCreation : byName);
}

function parseLinkInfo(cursor: Cursor, offsetSize: number) {
  cursor.skip(1); // version
  const tracked = (cursor.u8() & TRACKS_CREATION_ORDER) !== 0;
  if (tracked) cursor.skip(8); // the largest
  const heap = cursor.uintOrUndefined(offsetSize);
  return { tracked, heap, index: cursor.uintOrUndefined(offsetSize) };
}

async function readDense(
  metadata: MetadataSource,
  heapAddress: number,
  index: number,
  options: StorageOptions,
): Promise<Link[]> {
  const ids: Uint8Array[] = [];
  const collect = ({ bytes, count, size }: BTreeRecords): void => {
    for (let i = 0; i < count; i++) ids.push(bytes.subarray(i * size + HASH, (i + 1) * size));
  };
  const [heap] = await Promise.all([
    FractalHeap.open(metadata, heapAddress, options),
    readBTreeV2(metadata, index, [BY_NAME], collect, options),
  ]);
  return (await heap.objects(ids, options)).map((object) => {
    if (object instanceof MoraineError) throw object;
    const cursor = new Cursor(object.bytes, { source: metadata.source, start: object.offset });
    return parseLink(cursor, metadata.offsetSize);
  });
}

function byCreation(a: Link, b: Link): number {
  return (a.creationOrder ?? 0) - (b.creationOrder ?? 0) || byName(a, b);
}

function byName(a: Link, b: Link): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
