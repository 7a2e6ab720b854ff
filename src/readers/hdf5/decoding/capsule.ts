/**
 * The smallest HDF5 file that the library can open with one chunk in it: a "capsule" in which the library undoes
 * filters that nobody should write again.
 *
 * Filters see bytes and their own parameters only, so the chunk is declared as a one-dimensional dataset `d` of
 * unsigned bytes: no datatype, however odd, is converted on the way.
 *
 * Superblock 2 (II.B), object headers of version 2 (IV.A.1.b), layout message 4 with a single-chunk index.
 *
 * @module
 */

import { lookup3 } from "../../../binary/lookup3.ts";
import type { Filter } from "../filter-pipeline.ts";

/** Path of the dataset in a capsule. */
export const CAPSULE_PATH = "/d";

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const SUPERBLOCK_LENGTH = 48;
const UNDEFINED = 0xffffffffffffffffn;

/** Little-endian bytes, appended. */
class Writer {
  readonly bytes: number[] = [];

  uint(value: number | bigint, width: number): this {
    let rest = BigInt(value);
    for (let i = 0; i < width; i++) {
      this.bytes.push(Number(rest & 0xffn));
      rest >>= 8n;
    }
    return this;
  }

  append(bytes: Iterable<number>): this {
    for (const byte of bytes) this.bytes.push(byte);
    return this;
  }

  /** The checksum of everything so far. */
  checksum(): this {
    return this.uint(lookup3(Uint8Array.from(this.bytes)), 4);
  }
}

/**
 * @param stored bytes of the chunk as they lie in the file
 * @param decodedLength bytes of the chunk without filters
 * @param filterMask bit `i`: filter `i` was left out
 */
export function buildCapsule(
  stored: Uint8Array,
  decodedLength: number,
  filters: readonly Filter[],
  filterMask: number,
): Uint8Array {
  const rootAddress = SUPERBLOCK_LENGTH;
  // The root group's header has always the same length, so that the dataset's address is known before.
  const datasetAddress = rootAddress + rootHeader(0).length;
  const headerLength = datasetHeader(0, stored.length, decodedLength, filters, filterMask).length;
  const chunkAddress = datasetAddress + headerLength;
  const end = chunkAddress + stored.length;
  const superblock = new Writer().append(SIGNATURE);
  superblock.uint(2, 1).uint(8, 1).uint(8, 1).uint(0, 1); // version, widths, consistency flags
  superblock.uint(0, 8).uint(UNDEFINED, 8).uint(end, 8).uint(rootAddress, 8).checksum();
  const file = new Uint8Array(end);
  file.set(superblock.bytes);
  file.set(rootHeader(datasetAddress), rootAddress);
  file.set(datasetHeader(chunkAddress, stored.length, decodedLength, filters, filterMask), datasetAddress);
  file.set(stored, chunkAddress);
  return file;
}

function rootHeader(datasetAddress: number): readonly number[] {
  const linkInfo = new Writer().uint(0, 2).uint(UNDEFINED, 8).uint(UNDEFINED, 8).bytes;
  // Version 1, no flags: a hard link whose name has a length of one byte.
  const link = new Writer().uint(1, 1).uint(0, 1).uint(1, 1).append([0x64]).uint(datasetAddress, 8).bytes;
  return objectHeader([
    [0x02, linkInfo],
    [0x06, link],
  ]);
}

function datasetHeader(
  chunkAddress: number,
  storedLength: number,
  decodedLength: number,
  filters: readonly Filter[],
  filterMask: number,
): readonly number[] {
  const dataspace = new Writer().uint(2, 1).uint(1, 1).uint(0, 1).uint(1, 1).uint(decodedLength, 8).bytes;
  const datatype = new Writer().uint(0x10, 1).uint(0, 3).uint(1, 4).uint(0, 2).uint(8, 2).bytes;
  // Version 3, allocated incrementally, written if set, not defined.
  const fillValue = new Writer().uint(3, 1).uint(0x0b, 1).bytes;
  const layout = new Writer();
  // Version 4, chunked, filtered single chunk; two dimensions: the chunk and the element's size, in as many bytes
  // as the larger one needs (the library insists).
  const width = Math.floor(Math.log2(decodedLength) / 8) + 1;
  layout.uint(4, 1).uint(2, 1).uint(2, 1).uint(2, 1).uint(width, 1).uint(decodedLength, width).uint(1, width);
  layout.uint(1, 1).uint(storedLength, 8).uint(filterMask, 4).uint(chunkAddress, 8);
  const pipeline = new Writer().uint(2, 1).uint(filters.length, 1);
  for (const { id, parameters } of filters) {
    pipeline.uint(id, 2);
    if (id >= 256) pipeline.uint(0, 2); // no name
    pipeline.uint(0, 2).uint(parameters.length, 2);
    for (const parameter of parameters) pipeline.uint(parameter, 4);
  }
  return objectHeader([
    [0x01, dataspace],
    [0x03, datatype],
    [0x05, fillValue],
    [0x08, layout.bytes],
    [0x0b, pipeline.bytes],
  ]);
}

function objectHeader(messages: readonly (readonly [type: number, body: readonly number[]])[]): number[] {
  const body = new Writer();
  for (const [type, bytes] of messages) {
    body.uint(type, 1).uint(bytes.length, 2).uint(0, 1).append(bytes);
  }
  const header = new Writer().append([0x4f, 0x48, 0x44, 0x52]); // "OHDR"
  // Version 2; flags 2: the length of the first chunk of messages has 4 bytes.
  return header.uint(2, 1).uint(2, 1).uint(body.bytes.length, 4).append(body.bytes).checksum().bytes;
}
