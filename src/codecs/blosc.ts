/**
 * `blosc` (Zarr v3 codec) and `numcodecs.blosc`; HDF5's filter 32001 holds the same containers.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import { decodeBlosc } from "./blosc/decoder.ts";
import { type BloscSettings, encodeBlosc } from "./blosc/encoder.ts";
import type { BloscCompressor, BloscShuffle } from "./blosc/format.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import { native } from "./native.ts";

const COMPRESSORS: readonly BloscCompressor[] = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];
const KEYS = ["cname", "clevel", "shuffle", "typesize", "blocksize"];

export const makeBlosc: CodecMaker = (values, { dataType }) => {
  const configuration = new Configuration("blosc", values, KEYS);
  const shuffle = configuration.word<BloscShuffle>(
    "shuffle",
    ["noshuffle", "shuffle", "bitshuffle"],
    "noshuffle",
  );
  return bloscCodec({
    compressor: configuration.word("cname", COMPRESSORS, "lz4"),
    level: configuration.integer("clevel", 0, 9, 5),
    shuffle,
    typeSize: Math.min(configuration.integer("typesize", 1, 2 ** 31 - 1, itemSize(dataType) ?? 1), 255),
    blockSize: configuration.integer("blocksize", 0, 2 ** 31 - 1, 0),
  });
};

export const makeNumcodecsBlosc: CodecMaker = (values, { dataType }) => {
  const configuration = new Configuration("numcodecs.blosc", values, KEYS);
  const typeSize = Math.min(
    configuration.integer("typesize", 1, 255, Math.min(itemSize(dataType) ?? 1, 255)),
    255,
  );
  // -1 is bits for elements of one byte, else bytes.
  const given = configuration.integer("shuffle", -1, 2, 1);
  const kind = given === -1 ? (typeSize === 1 ? 2 : 1) : given;
  return bloscCodec({
    compressor: configuration.word("cname", COMPRESSORS, "lz4"),
    level: configuration.integer("clevel", 0, 9, 5),
    shuffle: kind === 2 ? "bitshuffle" : kind === 1 ? "shuffle" : "noshuffle",
    typeSize,
    blockSize: configuration.integer("blocksize", 0, 2 ** 31 - 1, 0),
  });
};

/** What decodes is told by the container; the settings are for writing. */
function bloscCodec(settings: BloscSettings): BytesToBytesCodec {
  const { zstd } = native;
  return {
    kind: "bytes-to-bytes",
    encodedSize: () => undefined,
    async ready(only) {
      if (settings.compressor === "zstd") await zstd.ready(only);
    },
    decode: (bytes, { exact, maximum }) => decodeBlosc(bytes, exact, maximum),
    decodeInto: (bytes, target) => void decodeBlosc(bytes, target.length, target.length, target),
    encode: (bytes) => encodeBlosc(bytes, settings),
  };
}
