/**
 * Deflate for every platform, by fflate, which does not look at checksums: that is done here.
 *
 * @module
 */

import { deflateSync, Gunzip, gzipSync, Inflate, Unzlib, zlibSync } from "fflate";
import { adler32 } from "../binary/adler32.ts";
import { crc32 } from "../binary/crc32.ts";
import { MoraineError } from "../errors.ts";
import type { Deflate, DeflateFormat } from "./native.ts";

export const portableDeflate: Deflate = {
  inflate(bytes, format, maximum) {
    const out = inflate(bytes, format, maximum);
    verify(bytes, format, out);
    return out;
  },
  deflate(bytes, format, level) {
    const options = { level: deflateLevel(level) };
    if (format === "zlib") return zlibSync(bytes, options);
    return format === "gzip" ? gzipSync(bytes, { ...options, mtime: 0 }) : deflateSync(bytes, options);
  },
};

/** fflate's streams, so that what lies about its size cannot make it allocate beforehand. */
function inflate(bytes: Uint8Array, format: DeflateFormat, maximum: number): Uint8Array {
  const pieces: Uint8Array[] = [];
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
  stream.push(bytes, true);
  if (!ended) throw new MoraineError("CorruptChunk", "the compressed bytes end too early");
  if (pieces.length === 1 && pieces[0]) return pieces[0];
  const out = new Uint8Array(total);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Compares the checksum at the end of the frame. Of several gzip members the last one's is looked at. */
function verify(bytes: Uint8Array, format: DeflateFormat, out: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === "zlib" && bytes.length >= 6) {
    if (view.getUint32(bytes.length - 4) !== adler32(out)) throw mismatch("adler32");
  } else if (format === "gzip" && bytes.length >= 18) {
    const size = view.getUint32(bytes.length - 4, true);
    if (size > out.length) throw new MoraineError("CorruptChunk", "the gzip member says another size");
    if (view.getUint32(bytes.length - 8, true) !== crc32(out.subarray(out.length - size))) {
      throw mismatch("crc32");
    }
  }
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
