/**
 * `gzip` (Zarr v3 codec), `numcodecs.gzip` and `numcodecs.zlib`, HDF5's filter 1.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { type DeflateFormat, native } from "./native.ts";

function makeDeflate(name: string, format: DeflateFormat, fallback: number): CodecMaker {
  return (values) => {
    const configuration = new Configuration(name, values, ["level"]);
    const level = configuration.integer("level", format === "zlib" ? -1 : 0, 9, fallback);
    const { deflate } = native;
    const codec: BytesToBytesCodec = {
      kind: "bytes-to-bytes",
      encodedSize: () => undefined,
      decode: (bytes, expected) => deflate.inflate(bytes, format, expected.exact ?? expected.maximum),
      encode: (bytes) => deflate.deflate(bytes, format, level),
      ...(deflate.inflateInto && {
        decodeInto(bytes, target) {
          if (deflate.inflateInto?.(bytes, format, target)) return;
          const decoded = deflate.inflate(bytes, format, target.length);
          if (decoded.length !== target.length) {
            throw new MoraineError(
              "CorruptChunk",
              `${decoded.length} bytes are compressed here, ${target.length} are right`,
            );
          }
          target.set(decoded);
        },
      }),
      ...(deflate.inflateAsync && {
        decodeAsync: (bytes, expected) =>
          deflate.inflateAsync?.(bytes, format, expected.exact ?? expected.maximum) ??
          Promise.resolve(deflate.inflate(bytes, format, expected.exact ?? expected.maximum)),
      }),
      ...(deflate.deflateAsync && {
        encodeAsync: (bytes) =>
          deflate.deflateAsync?.(bytes, format, level) ??
          Promise.resolve(deflate.deflate(bytes, format, level)),
      }),
    };
    return codec;
  };
}

export const makeGzip: CodecMaker = makeDeflate("gzip", "gzip", 5);
export const makeNumcodecsGzip: CodecMaker = makeDeflate("numcodecs.gzip", "gzip", 1);
export const makeZlib: CodecMaker = makeDeflate("numcodecs.zlib", "zlib", 1);
