/**
 * Deflate for every platform, by fflate, which does not look at checksums: that is done here. Chunks of a known size go
 * a faster way.
 *
 * @module
 */

import { deflateSync, Gunzip, gzipSync, Inflate, Unzlib, zlibSync } from "fflate";
import { adler32 } from "../binary/adler32.ts";
import { crc32 } from "../binary/crc32.ts";
import { MoraineError } from "../errors.ts";
import type { Deflate, DeflateFormat } from "./native.ts";
import { inflateZlib } from "./zlib-inflater.ts";

export const portableDeflate: Deflate = {
  inflate(bytes, format, maximum) {
    const { out, members } = inflate(bytes, format, maximum);
    if (format === "zlib") verifyZlib(bytes, out);
    if (format === "gzip") members.forEach((_, member) => void verifyMember(bytes, out, members, member));
    return out;
  },
  inflateInto: (bytes, format, target) => format === "zlib" && inflateZlib(bytes, target),
  deflate(bytes, format, level) {
    const options = { level: deflateLevel(level) };
    if (format === "zlib") return zlibSync(bytes, options);
    return format === "gzip" ? gzipSync(bytes, { ...options, mtime: 0 }) : deflateSync(bytes, options);
  },
};

/** Where a gzip member begins: in the compressed bytes, and in what comes out. */
interface Member {
  readonly at: number;
  readonly out: number;
}

/** fflate's streams, so that what lies about its size cannot make it allocate beforehand. */
function inflate(
  bytes: Uint8Array,
  format: DeflateFormat,
  maximum: number,
): { readonly out: Uint8Array; readonly members: readonly Member[] } {
  const pieces: Uint8Array[] = [];
  const members: Member[] = [{ at: 0, out: 0 }];
  let total = 0;
  let ended = false;
  const receive = (piece: Uint8Array, final: boolean) => {
    total += piece.length;
    if (total > maximum)
      throw new MoraineError("CorruptChunk", `more than ${maximum} bytes are compressed here`);
    pieces.push(piece.slice());
    ended = final;
  };
  const stream =
    format === "zlib" ? new Unzlib(receive) : format === "gzip" ? new Gunzip(receive) : new Inflate(receive);
  if (stream instanceof Gunzip) stream.onmember = (at) => void members.push({ at, out: total });
  stream.push(bytes, true);
  if (!ended) throw new MoraineError("CorruptChunk", "the compressed bytes end too early");
  if (pieces.length === 1 && pieces[0]) return { out: pieces[0], members };
  const out = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return { out, members };
}

/** The checksum behind the deflated bytes (RFC 1950, section 2.2). */
function verifyZlib(bytes: Uint8Array, out: Uint8Array): void {
  if (bytes.length < 6) throw new MoraineError("CorruptChunk", "the compressed bytes end too early");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(bytes.length - 4) !== adler32(out)) throw mismatch("adler32");
}

/** Checksum and size behind a member (RFC 1952, section 2.3.1). */
function verifyMember(bytes: Uint8Array, out: Uint8Array, members: readonly Member[], member: number): void {
  const start = members[member] ?? { at: 0, out: 0 };
  const end = members[member + 1] ?? { at: bytes.length, out: out.length };
  if (end.at - start.at < 18) throw new MoraineError("CorruptChunk", "the compressed bytes end too early");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const content = out.subarray(start.out, end.out);
  if (view.getUint32(end.at - 4, true) !== content.length % 2 ** 32) {
    throw new MoraineError("CorruptChunk", "the gzip member says another size");
  }
  if (view.getUint32(end.at - 8, true) !== crc32(content)) throw mismatch("crc32");
}

function mismatch(name: string): MoraineError {
  return new MoraineError("ChecksumMismatch", `the ${name} of the compressed bytes does not match`);
}

function deflateLevel(level: number): 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 {
  switch (level) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 7:
    case 8:
    case 9:
      return level;
    default:
      return 6;
  }
}
