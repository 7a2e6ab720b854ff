/**
 * Snappy's raw format (snappy, format_description.txt), decoding only: what Blosc holds under this name. Blosc itself
 * is built without it nowadays, so nothing is written with it.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { copyMatch } from "./lz4-block.ts";

/** Decodes one stream into exactly the bytes of `target`. Errors: `CorruptChunk`. */
export function decodeSnappy(stream: Uint8Array, target: Uint8Array): void {
  let from = 0;
  let to = 0;
  const integer = (bytes: number): number => {
    if (bytes > stream.length - from) throw corrupt("an end within an element");
    let value = 0;
    for (let i = 0; i < bytes; i++) value += (stream[from++] ?? 0) * 256 ** i;
    return value;
  };
  let size = 0;
  let byte = 128;
  for (let shift = 0; byte >= 128; shift += 7) {
    if (shift > 28) throw corrupt("a length of more than 32 bits");
    byte = integer(1);
    size += (byte & 127) * 2 ** shift;
  }
  if (size !== target.length) throw corrupt(`${size} instead of ${target.length} bytes`);
  while (from < stream.length) {
    const tag = stream[from++] ?? 0;
    if ((tag & 3) === 0) {
      const length = (tag >> 2 < 60 ? tag >> 2 : integer((tag >> 2) - 59)) + 1;
      if (length > stream.length - from || length > size - to) throw corrupt("too many literals");
      target.set(stream.subarray(from, from + length), to);
      from += length;
      to += length;
      continue;
    }
    const isShort = (tag & 3) === 1;
    const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
    const distance = isShort ? ((tag >> 5) << 8) + integer(1) : integer((tag & 3) === 2 ? 2 : 4);
    if (distance === 0 || distance > to) throw corrupt("a match before its start");
    if (length > size - to) throw corrupt("a match beyond its end");
    to = copyMatch(target, to, distance, length);
  }
  if (to !== size) throw corrupt(`${to} instead of ${size} bytes`);
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `Snappy data with ${what}`);
}
