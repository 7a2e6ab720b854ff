/**
 * Writes zip archives (PKWARE APPNOTE 6.3.10): entries stored as they are, since chunks are compressed already, and
 * always the same bytes for the same entries.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import {
  CENTRAL_HEADER,
  CENTRAL_HEADER_BYTES,
  END_LOCATOR_64,
  END_LOCATOR_64_BYTES,
  END_RECORD,
  END_RECORD_64,
  END_RECORD_64_BYTES,
  END_RECORD_BYTES,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
} from "./zip-directory.ts";

/** An entry to be written; `bytes` as the method says. */
export interface WrittenEntry {
  readonly name: string;
  readonly method: number;
  readonly crc32: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1 January 1980, midnight: the first date there is. */
const DATE = 0x0021;
const VERSION = 45;
const MOST_16 = 0xffff;
const MOST_32 = 0xffff_ffff;

const UTF8 = new TextEncoder();

/**
 * The bytes of an archive.
 *
 * Errors: `LimitExceeded` for one of 4 GiB or more.
 */
export function encodeZip(entries: readonly WrittenEntry[]): Uint8Array {
  const names = entries.map((entry) => UTF8.encode(entry.name));
  let total = END_RECORD_BYTES + END_LOCATOR_64_BYTES + END_RECORD_64_BYTES;
  entries.forEach((entry, at) => {
    const name = names[at]?.length ?? 0;
    total += LOCAL_HEADER_BYTES + CENTRAL_HEADER_BYTES + 2 * name + entry.bytes.length;
  });
  if (total >= MOST_32) {
    throw new MoraineError("LimitExceeded", `a zip archive of ${total} bytes; use a folder`);
  }
  const out = new Writer(total);
  const offsets = entries.map((entry, at) => {
    const offset = out.at;
    const name = names[at] ?? new Uint8Array(0);
    out.u32(LOCAL_HEADER);
    writeCommon(out, entry, name);
    out.bytes(name);
    out.bytes(entry.bytes);
    return offset;
  });
  const start = out.at;
  entries.forEach((entry, at) => {
    const name = names[at] ?? new Uint8Array(0);
    out.u32(CENTRAL_HEADER);
    out.u16(VERSION);
    writeCommon(out, entry, name);
    // No comment, part 0, no attributes.
    for (let field = 0; field < 3; field++) out.u16(0);
    out.u32(0);
    out.u32(offsets[at] ?? 0);
    out.bytes(name);
  });
  writeEnd(out, entries.length, start);
  return out.finish();
}

/** What local and central headers share. */
function writeCommon(out: Writer, entry: WrittenEntry, name: Uint8Array): void {
  out.u16(VERSION);
  out.u16(FLAGS);
  out.u16(entry.method);
  out.u16(0);
  out.u16(DATE);
  out.u32(entry.crc32);
  out.u32(entry.bytes.length);
  out.u32(entry.size);
  out.u16(name.length);
  out.u16(0);
}

function writeEnd(out: Writer, count: number, start: number): void {
  const length = out.at - start;
  if (count >= MOST_16) {
    const record = out.at;
    out.u32(END_RECORD_64);
    out.u64(END_RECORD_64_BYTES - 12);
    out.u16(VERSION);
    out.u16(VERSION);
    out.u32(0);
    out.u32(0);
    out.u64(count);
    out.u64(count);
    out.u64(length);
    out.u64(start);
    out.u32(END_LOCATOR_64);
    out.u32(0);
    out.u64(record);
    out.u32(1);
  }
  out.u32(END_RECORD);
  out.u16(0);
  out.u16(0);
  out.u16(Math.min(count, MOST_16));
  out.u16(Math.min(count, MOST_16));
  out.u32(length);
  out.u32(start);
  out.u16(0);
}

/** Little-endian numbers, one after another. */
class Writer {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u16(value: number): void {
    this.#view.setUint16(this.at, value, true);
    this.at += 2;
  }

  u32(value: number): void {
    this.#view.setUint32(this.at, value, true);
    this.at += 4;
  }

  u64(value: number): void {
    this.#view.setBigUint64(this.at, BigInt(value), true);
    this.at += 8;
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.at);
  }
}
