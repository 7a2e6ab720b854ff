/**
 * `numcodecs.packbits`: booleans as bits, the first one the highest bit of its byte, behind a byte that counts the
 * bits left over at the end (numcodecs, `PackBits`).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { ArrayToArrayCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { packed } from "./number-codec.ts";

export const makeNumcodecsPackBits: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("numcodecs.packbits", values, []);
  if (dataType.name !== "bool") throw configuration.error(`it cannot encode ${dataType.name}`);
  const count = shape.reduce((product, length) => product * length, 1);
  const size = 1 + Math.ceil(count / 8);
  const leftOver = (size - 1) * 8 - count;
  const codec: ArrayToArrayCodec = {
    kind: "array-to-array",
    encoded: { shape: [size], dataType: { name: "uint8" }, fillValue: undefined },
    encode(data) {
      const bits = packed(data);
      const out = new Uint8Array(size);
      out[0] = leftOver;
      for (let i = 0; i < count; i++) {
        if (bits[i] !== 0) out[1 + (i >> 3)] = (out[1 + (i >> 3)] ?? 0) | (0x80 >> (i & 7));
      }
      return out;
    },
    decode(data) {
      const bytes = packed(data);
      if (bytes.length !== size || bytes[0] !== leftOver) {
        throw new MoraineError("CorruptChunk", `these packed bits are not ${count}`);
      }
      const out = new Uint8Array(count);
      for (let i = 0; i < count; i++) out[i] = ((bytes[1 + (i >> 3)] ?? 0) >> (7 - (i & 7))) & 1;
      return out;
    },
  };
  return codec;
};
