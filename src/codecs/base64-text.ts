/**
 * `numcodecs.base64`: bytes as base64 (numcodecs, `Base64`).
 *
 * @module
 */

import { decodeBase64, encodeBase64 } from "../binary/base64.ts";
import { latin1Text } from "../binary/latin1.ts";
import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

const ASCII = new TextEncoder();

export const makeBase64: CodecMaker = (values) => {
  new Configuration("numcodecs.base64", values, []);
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: (size) => 4 * Math.ceil(size / 3),
    decode(bytes) {
      const decoded = decodeBase64(latin1Text(bytes));
      if (decoded === undefined) throw new MoraineError("CorruptChunk", "the chunk is no base64");
      return decoded;
    },
    encode: (bytes) => ASCII.encode(encodeBase64(bytes)),
  };
  return codec;
};
