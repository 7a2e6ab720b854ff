/**
 * The central directory of a zip archive: its entries, and where each begins (PKWARE APPNOTE 6.3.10, sections
 * 4.3.6–4.3.16, with zip64).
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { latin1Text } from "../../binary/latin1.ts";
import { MoraineError } from "../../errors.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";

export const STORED = 0;
export const DEFLATED = 8;

export const LOCAL_HEADER = 0x04034b50;
export const CENTRAL_HEADER = 0x02014b50;
export const END_RECORD = 0x06054b50;
export const END_RECORD_64 = 0x06064b50;
export const END_LOCATOR_64 = 0x07064b50;
/** It may stand behind the entries (4.3.13). */
const DIGITAL_SIGNATURE = 0x05054b50;
/** Bytes of the records without the parts of variable length. */
export const LOCAL_HEADER_BYTES = 30;
export const CENTRAL_HEADER_BYTES = 46;
export const END_RECORD_BYTES = 22;
export const END_RECORD_64_BYTES = 56;
export const END_LOCATOR_64_BYTES = 20;
/** In 32-bit fields: the value is in the zip64 extra field. */
const ELSEWHERE = 0xffff_ffff;
const ZIP64_EXTRA = 1;
/** The end record, its comment, and the zip64 records before it. */
const TAIL_BYTES = END_RECORD_BYTES + 0xffff + END_LOCATOR_64_BYTES + END_RECORD_64_BYTES;
const MOST_DIRECTORY_BYTES = 1024 * 1024 * 1024;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** An entry of an archive. */
export interface ZipEntry {
  readonly name: string;
  /** Bytes of the name as it is stored. */
  readonly nameLength: number;
  readonly method: number;
  readonly crc32: number;
  /** Bytes in the archive, and of the value. */
  readonly compressedSize: number;
  readonly size: number;
  /** Bytes from the start of the archive to the entry's local header. */
  readonly headerOffset: number;
  /** The first byte that belongs to something else: the next entry, or the directory. */
  readonly end: number;
}

export interface ZipDirectory {
  readonly version: Version;
  /** By name; of several entries of one name the last counts, as for all readers. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

/**
 * Reads the directory of an archive.
 *
 * Errors: `NotFound`, `UnknownFormat` for what is no zip archive, `CorruptFile`, `UnsupportedLayout` for archives of
 * several parts, those of the storage.
 */
export async function readZipDirectory(
  storage: Storage,
  address: string,
  options?: StorageOptions,
): Promise<ZipDirectory> {
  const { parts, version } = await storage.read(address, [{ offset: -TAIL_BYTES }], options);
  const tail = parts[0] ?? new Uint8Array(0);
  const size = version.size ?? (await storage.head(address, options)).size;
  const tailStart = size - tail.length;
  const at = findEndRecord(tail);
  if (at < 0) {
    throw new MoraineError("UnknownFormat", "this is no zip archive, or its end is missing", {
      source: address,
    });
  }
  const { count, length, offset } = await readEnd(storage, address, tail, tailStart, at, version, options);
  if (
    length > MOST_DIRECTORY_BYTES ||
    offset + length > tailStart + at ||
    count * CENTRAL_HEADER_BYTES > length
  ) {
    throw new MoraineError("CorruptFile", "the directory of the zip archive lies outside of it", {
      source: address,
      offset: tailStart + at,
    });
  }
  const directory =
    offset >= tailStart
      ? tail.subarray(offset - tailStart, offset - tailStart + length)
      : ((await storage.read(address, [{ offset, length }], { ...options, version })).parts[0] ??
        new Uint8Array(0));
  const cursor = new Cursor(directory, { source: address, start: offset, littleEndian: true });
  return { version, entries: entriesOf(cursor, { count, length, offset }) };
}

interface DirectoryPlace {
  readonly count: number;
  readonly length: number;
  readonly offset: number;
}

/** Position of the last end record whose comment fits the rest. */
function findEndRecord(tail: Uint8Array): number {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = tail.length - END_RECORD_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_RECORD) continue;
    if (at + END_RECORD_BYTES + view.getUint16(at + 20, true) === tail.length) return at;
  }
  return -1;
}

async function readEnd(
  storage: Storage,
  address: string,
  tail: Uint8Array,
  tailStart: number,
  at: number,
  version: Version,
  options: StorageOptions | undefined,
): Promise<DirectoryPlace> {
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  const locator = at - END_LOCATOR_64_BYTES;
  const is64 = locator >= 0 && view.getUint32(locator, true) === END_LOCATOR_64;
  if (!is64) {
    if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0) throw severalParts(address);
    return {
      count: view.getUint16(at + 10, true),
      length: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
  }
  const offset = exact(view.getBigUint64(locator + 8, true), address);
  const record =
    offset >= tailStart && offset + END_RECORD_64_BYTES <= tailStart + locator
      ? tail.subarray(offset - tailStart)
      : (await storage.read(address, [{ offset, length: END_RECORD_64_BYTES }], { ...options, version }))
          .parts[0];
  const cursor = new Cursor(record ?? new Uint8Array(0), {
    source: address,
    start: offset,
    littleEndian: true,
  });
  if (cursor.u32() !== END_RECORD_64) throw cursor.corrupt("there is no zip64 end record", offset);
  cursor.skip(12);
  if (cursor.u32() !== 0 || cursor.u32() !== 0) throw severalParts(address);
  cursor.skip(8);
  return {
    count: exact(cursor.u64(), address),
    length: exact(cursor.u64(), address),
    offset: exact(cursor.u64(), address),
  };
}

function severalParts(address: string): MoraineError {
  return new MoraineError("UnsupportedLayout", "a zip archive of several parts", { source: address });
}

function exact(value: bigint, address: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new MoraineError("CorruptFile", `${value} is no place in a zip archive`, { source: address });
}

/** Errors: `CorruptFile` where there are not as many as the end record says: a chunk left out would be fill value. */
function entriesOf(cursor: Cursor, { count, length, offset: directoryStart }: DirectoryPlace) {
  const found: Omit<ZipEntry, "end">[] = [];
  const end = directoryStart + length;
  while (cursor.offset < end) {
    const start = cursor.offset;
    const signature = cursor.u32();
    if (signature === DIGITAL_SIGNATURE && found.length === count) break;
    if (signature !== CENTRAL_HEADER) {
      throw cursor.corrupt("an entry of the zip directory is missing", start);
    }
    found.push(readEntry(cursor, start, directoryStart));
  }
  // Writers that know no zip64 count no further than 16 bits.
  if (found.length !== count && (found.length < count || found.length % 0x1_0000 !== count)) {
    throw cursor.corrupt(`the zip directory has ${found.length} entries, not ${count}`, directoryStart);
  }
  const starts = Float64Array.from(found, (entry) => entry.headerOffset).sort();
  const entries = new Map<string, ZipEntry>();
  for (const entry of found) {
    entries.set(entry.name, { ...entry, end: startAfter(starts, entry.headerOffset) ?? directoryStart });
  }
  return entries;
}

/** @param start of the entry, whose signature was read */
function readEntry(cursor: Cursor, start: number, directoryStart: number): Omit<ZipEntry, "end"> {
  cursor.skip(4);
  const flags = cursor.u16();
  const method = cursor.u16();
  cursor.skip(4);
  const crc32 = cursor.u32();
  const sizes = { compressedSize: cursor.u32(), size: cursor.u32(), headerOffset: 0 };
  const [nameLength, extraLength, commentLength] = [cursor.u16(), cursor.u16(), cursor.u16()];
  cursor.skip(8);
  sizes.headerOffset = cursor.u32();
  const name = zipName(cursor.take(nameLength));
  const extra = cursor.take(extraLength);
  cursor.skip(commentLength);
  readZip64(extra, sizes, cursor, start);
  if ((flags & 1) !== 0) {
    throw new MoraineError("UnsupportedLayout", `the entry "${name}" of the zip archive is encrypted`);
  }
  if (sizes.headerOffset + LOCAL_HEADER_BYTES + sizes.compressedSize > directoryStart) {
    throw cursor.corrupt(`the entry "${name}" lies outside of the zip archive`, start);
  }
  return { name, nameLength, method, crc32, ...sizes };
}

/** Puts 64-bit values in the place of those that say they are elsewhere. */
function readZip64(
  extra: Uint8Array,
  sizes: { size: number; compressedSize: number; headerOffset: number },
  cursor: Cursor,
  start: number,
): void {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  for (let at = 0; at + 4 <= extra.length; ) {
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    at += 4;
    if (id === ZIP64_EXTRA) {
      let field = at;
      for (const key of ["size", "compressedSize", "headerOffset"] as const) {
        if (sizes[key] !== ELSEWHERE) continue;
        if (field + 8 > Math.min(at + length, extra.length))
          throw cursor.corrupt("a zip64 field is missing", start);
        const value = Number(view.getBigUint64(field, true));
        if (!Number.isSafeInteger(value)) throw cursor.corrupt("a zip64 field is too large", start);
        sizes[key] = value;
        field += 8;
      }
    }
    at += length;
  }
}

/** Old writers use the code page of their system; names of Zarr keys are ASCII nearly always. */
export function zipName(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return latin1Text(bytes);
  }
}

/** The first of some ascending numbers that is larger. */
function startAfter(starts: Float64Array, offset: number): number | undefined {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return starts[low];
}
