/**
 * `numcodecs.bz2`: bzip2 streams, one after another (numcodecs, `BZ2`); HDF5's filter 307 holds the same.
 *
 * @module
 */

import { decodeBzip2 } from "./bzip2/decoder.ts";
import { encodeBzip2 } from "./bzip2/encoder.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

export const makeBz2: CodecMaker = (values) => {
  const configuration = new Configuration("numcodecs.bz2", values, ["level"]);
  const level = configuration.integer("level", 1, 9, 1);
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: () => undefined,
    decode: (bytes, { exact, maximum }) => decodeBzip2(bytes, exact ?? maximum),
    encode: (bytes) => encodeBzip2(bytes, level),
  };
  return codec;
};
