/**
 * LZF, h5py's own filter (32000): Marc Lehmann's LibLZF format.
 *
 * A control byte below 32 announces that many literals and one more; else its upper three bits are a length
 * (7: the next byte is added) and its lower five with the next byte a distance back.
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";

const LITERAL_LIMIT = 32;
const LONG = 7;

/** @throws `CorruptChunk` */
export function decodeLzf(encoded: Uint8Array): Uint8Array {
  const decoded = new Uint8Array(decodedLength(encoded));
  let to = 0;
  for (let from = 0; from < encoded.length; ) {
    const control = encoded[from++] ?? 0;
    if (control < LITERAL_LIMIT) {
      const count = control + 1;
      decoded.set(encoded.subarray(from, from + count), to);
      from += count;
      to += count;
      continue;
    }
    let length = control >> 5;
    if (length === LONG) length += encoded[from++] ?? 0;
    let source = to - ((control & 31) << 8) - (encoded[from++] ?? 0) - 1;
    if (source < 0) throw corrupt("a reference before its start");
    // Source and target may overlap: byte for byte.
    for (let rest = length + 2; rest > 0; rest--) decoded[to++] = decoded[source++] ?? 0;
  }
  return decoded;
}

/** Walks the control bytes: the format does not say how long the decoded bytes are. */
function decodedLength(encoded: Uint8Array): number {
  let total = 0;
  let from = 0;
  while (from < encoded.length) {
    const control = encoded[from++] ?? 0;
    if (control < LITERAL_LIMIT) {
      total += control + 1;
      from += control + 1;
    } else {
      total += (control >> 5) + 2;
      if (control >> 5 === LONG) total += encoded[from++] ?? 0;
      from++;
    }
  }
  if (from > encoded.length) throw corrupt("an end within an instruction");
  return total;
}

function corrupt(what: string): MoraineError {
  return new MoraineError("CorruptChunk", `LZF data with ${what}`);
}
