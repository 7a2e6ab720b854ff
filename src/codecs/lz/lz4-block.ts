/**
 * The LZ4 block format (lz4_Block_format.md).
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { findMatches } from "./matches.ts";

const SHORTEST_MATCH = 4;
/** From so many bytes on, copying by the engine is faster than a loop. */
const LONG = 32;

/**
 * Decodes one block into exactly the bytes of `target`. Errors: `CorruptChunk`.
 */
export function decodeLz4Block(block: Uint8Array, target: Uint8Array): void {
  const end = block.length;
  const size = target.length;
  let from = 0;
  let to = 0;
  while (from < end) {
    const token = block[from++] ?? 0;
    let literals = token >> 4;
    if (literals === 15) {
      let byte = 255;
      while (byte === 255) {
        if (from >= end) throw corrupt("an end within a length");
        byte = block[from++] ?? 0;
        literals += byte;
      }
    }
    if (literals > end - from || literals > size - to) throw corrupt("too many literals");
    if (literals < LONG) for (const stop = to + literals; to < stop; ) target[to++] = block[from++] ?? 0;
    else {
      target.set(block.subarray(from, from + literals), to);
      from += literals;
      to += literals;
    }
    if (from === end) break; // the last sequence has no match
    if (end - from < 2) throw corrupt("an end within a distance");
    const distance = (block[from] ?? 0) | ((block[from + 1] ?? 0) << 8);
    from += 2;
    let length = token & 15;
    if (length === 15) {
      let byte = 255;
      while (byte === 255) {
        if (from >= end) throw corrupt("an end within a length");
        byte = block[from++] ?? 0;
        length += byte;
      }
    }
    length += SHORTEST_MATCH;
    if (distance === 0 || distance > to) throw corrupt("a match before its start");
    if (length > size - to) throw corrupt("a match beyond its end");
    to = copyMatch(target, to, distance, length);
  }
  if (to !== size) throw corrupt(`${to} instead of ${size} bytes`);
}

/** Repeats `length` bytes from `distance` back; source and target may overlap. Gives the position after them. */
export function copyMatch(target: Uint8Array, to: number, distance: number, length: number): number {
  const stop = to + length;
  if (length < LONG) {
    for (let at = to - distance; to < stop; ) target[to++] = target[at++] ?? 0;
    return stop;
  }
  if (distance === 1) {
    target.fill(target[to - 1] ?? 0, to, stop);
    return stop;
  }
  // What repeats itself is copied in pieces that double.
  const start = to - distance;
  while (to < stop) {
    const piece = Math.min(to - start, stop - to);
    target.copyWithin(to, start, start + piece);
    to += piece;
  }
  return stop;
}

/** Encodes one block. */
export function encodeLz4Block(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + Math.ceil(bytes.length / 255) + 16);
  let to = 0;
  const more = (rest: number): void => {
    let left = rest;
    for (; left >= 255; left -= 255) out[to++] = 255;
    out[to++] = left;
  };
  // The end of a block must be literals, so that decoders may copy words (lz4_Block_format.md, "End of block").
  findMatches(
    bytes,
    { longestDistance: 65535, lastStart: 12, lastLiterals: 5 },
    (from, start, length, distance) => {
      const literals = start - from;
      const extra = Math.max(length - SHORTEST_MATCH, 0);
      out[to++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15);
      if (literals >= 15) more(literals - 15);
      out.set(bytes.subarray(from, start), to);
      to += literals;
      if (length === 0) return;
      out[to++] = distance & 255;
      out[to++] = distance >> 8;
      if (extra >= 15) more(extra - 15);
    },
  );
  return out.subarray(0, to);
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `LZ4 data with ${what}`);
}
