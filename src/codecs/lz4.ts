/**
 * `numcodecs.lz4`: one LZ4 block behind the length of what it holds, 4 bytes, little-endian (numcodecs, `LZ4`).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { decodeLz4Block, encodeLz4Block } from "./lz/lz4-block.ts";

/** A length byte of 255 stands for 255 bytes: no block holds more. */
const BEST_RATIO = 256;

export const makeLz4: CodecMaker = (values) => {
  const configuration = new Configuration("numcodecs.lz4", values, ["acceleration"]);
  configuration.integer("acceleration", -(2 ** 31), 2 ** 31 - 1, 1);
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: () => undefined,
    decode(bytes, { exact, maximum }) {
      const size = sizeOf(bytes);
      if (size > maximum || size > BEST_RATIO * bytes.length || (exact !== undefined && size !== exact)) {
        throw new MoraineError("CorruptChunk", `LZ4 data of ${size} bytes, not ${exact ?? maximum}`);
      }
      const out = new Uint8Array(size);
      decodeLz4Block(bytes.subarray(4), out);
      return out;
    },
    decodeInto(bytes, target) {
      const size = sizeOf(bytes);
      if (size !== target.length) {
        throw new MoraineError("CorruptChunk", `LZ4 data of ${size} bytes, not ${target.length}`);
      }
      decodeLz4Block(bytes.subarray(4), target);
    },
    encode(bytes) {
      const block = encodeLz4Block(bytes);
      const out = new Uint8Array(4 + block.length);
      new DataView(out.buffer).setUint32(0, bytes.length, true);
      out.set(block, 4);
      return out;
    },
  };
  return codec;
};

function sizeOf(bytes: Uint8Array): number {
  if (bytes.length < 5) throw new MoraineError("CorruptChunk", "LZ4 data without a length");
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
