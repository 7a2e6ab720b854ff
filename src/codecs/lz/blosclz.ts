/**
 * BloscLZ, Blosc's variant of FastLZ.
 *
 * A byte below 32 announces that many literals and one more. Else its upper three bits are a length (7: bytes follow
 * that are added, as long as they are 255), its lower five and the next byte a distance. The greatest distance is a
 * sign that two more bytes (big-endian) are to be added.
 *
 * @see https://github.com/Blosc/c-blosc/blob/main/blosc/blosclz.c
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { copyMatch } from "./lz4-block.ts";
import { findMatches } from "./matches.ts";

const MOST_LITERALS = 32;
const NEAR = 8191;

/** Decodes one stream into exactly the bytes of `target`. Errors: `CorruptChunk`. */
export function decodeBlosclz(stream: Uint8Array, target: Uint8Array): void {
  const end = stream.length;
  let from = 0;
  let to = 0;
  const next = (): number => {
    if (from >= end) throw corrupt("an end within a match");
    return stream[from++] ?? 0;
  };
  // The upper bits of the first byte are a mark of the version.
  for (let mask = 31; from < end; mask = 255) {
    const control = (stream[from++] ?? 0) & mask;
    if (control < MOST_LITERALS) {
      const literals = control + 1;
      if (literals > end - from || literals > target.length - to) throw corrupt("too many literals");
      for (const stop = to + literals; to < stop; ) target[to++] = stream[from++] ?? 0;
      continue;
    }
    let length = (control >> 5) + 2;
    if (control >> 5 === 7) {
      let byte = 255;
      while (byte === 255) {
        byte = next();
        length += byte;
      }
    }
    let distance = ((control & 31) << 8) | next();
    if (distance === NEAR) {
      const high = next();
      distance += (high << 8) | next();
    }
    distance += 1;
    if (distance > to) throw corrupt("a match before its start");
    if (length > target.length - to) throw corrupt("a match beyond its end");
    to = copyMatch(target, to, distance, length);
  }
  if (to !== target.length) throw corrupt(`${to} instead of ${target.length} bytes`);
}

/** Encodes one stream. */
export function encodeBlosclz(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + Math.ceil(bytes.length / MOST_LITERALS) + 16);
  let to = 0;
  // c-blosc's decoder wants literals at the end.
  findMatches(
    bytes,
    { longestDistance: NEAR + 65535, lastStart: 12, lastLiterals: 5 },
    (from, start, length, distance) => {
      for (let at = from; at < start; at += MOST_LITERALS) {
        const piece = bytes.subarray(at, Math.min(at + MOST_LITERALS, start));
        out[to++] = piece.length - 1;
        out.set(piece, to);
        to += piece.length;
      }
      if (length === 0) return;
      const near = Math.min(distance - 1, NEAR);
      out[to++] = (Math.min(length - 2, 7) << 5) | (near >> 8);
      if (length - 2 >= 7) {
        let rest = length - 9;
        for (; rest >= 255; rest -= 255) out[to++] = 255;
        out[to++] = rest;
      }
      out[to++] = near & 255;
      if (near === NEAR) {
        const far = distance - 1 - NEAR;
        out[to++] = far >> 8;
        out[to++] = far & 255;
      }
    },
  );
  return out.subarray(0, to);
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `BloscLZ data with ${what}`);
}
