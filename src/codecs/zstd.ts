/**
 * `zstd` (Zarr v3 codec) and `numcodecs.zstd`; HDF5's filter 32015 holds the same frames.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { native } from "./native.ts";

function makeCodec(name: string): CodecMaker {
  return (values) => {
    const configuration = new Configuration(name, values, ["level", "checksum"]);
    const level = configuration.integer("level", -131072, 22, 0);
    const checksum = configuration.boolean("checksum", false);
    const { zstd } = native;
    const codec: BytesToBytesCodec = {
      kind: "bytes-to-bytes",
      encodedSize: () => undefined,
      ready: (only) => zstd.ready(only),
      decode: (bytes, expected) => zstd.decompress(bytes, expected.exact ?? expected.maximum),
      decodeInto(bytes, target) {
        if (zstd.decompressInto?.(bytes, target)) return;
        const decoded = zstd.decompress(bytes, target.length);
        if (decoded.length !== target.length) {
          throw new MoraineError("CorruptChunk", `zstd: ${decoded.length} bytes, ${target.length} are right`);
        }
        target.set(decoded);
      },
      encode: (bytes) => zstd.compress(bytes, level, checksum),
      ...(zstd.decompressAsync && {
        decodeAsync: async (bytes, expected) =>
          (await zstd.decompressAsync?.(bytes, expected.exact ?? expected.maximum)) ?? new Uint8Array(0),
      }),
      ...(zstd.compressAsync && {
        encodeAsync: async (bytes) =>
          (await zstd.compressAsync?.(bytes, level, checksum)) ?? new Uint8Array(0),
      }),
    };
    return codec;
  };
}

export const makeZstd: CodecMaker = makeCodec("zstd");
export const makeNumcodecsZstd: CodecMaker = makeCodec("numcodecs.zstd");
