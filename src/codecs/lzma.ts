/**
 * `numcodecs.lzma`: .xz and .lzma files, and bare LZMA2 (numcodecs, `LZMA`). They are only read here.
 *
 * @module
 */

import { isJsonArray, isJsonObject } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";
import type { Output } from "./lzma/lzma-state.ts";
import { decodeLzma2, decodeLzmaAlone } from "./lzma/lzma-stream.ts";
import { decodeXz } from "./lzma/xz.ts";

/** The numbers of formats and filters in Python's `lzma`. */
const XZ = 1;
const ALONE = 2;
const RAW = 3;
const LZMA2 = 0x21;
/** Output of unknown size begins with so many times the input, and grows. */
const GUESS = 8;
const SMALLEST = 4096;

export const makeLzma: CodecMaker = (values) => {
  const configuration = new Configuration("numcodecs.lzma", values, ["format", "check", "preset", "filters"]);
  const format = configuration.integer("format", XZ, RAW, XZ);
  if (format === RAW) {
    const filters = configuration.value("filters");
    const ids = isJsonArray(filters) ? filters.map((filter) => isJsonObject(filter) && filter["id"]) : [];
    if (ids.length !== 1 || ids[0] !== LZMA2) {
      throw new MoraineError("UnsupportedCodec", "numcodecs.lzma: of bare filters only LZMA2 is known here");
    }
  }
  const codec: BytesToBytesCodec = {
    kind: "bytes-to-bytes",
    encodedSize: () => undefined,
    decode(bytes, { exact, maximum }) {
      let room = exact ?? Math.min(maximum, GUESS * bytes.length + SMALLEST);
      for (;;) {
        const output: Output = { bytes: new Uint8Array(room), size: 0, start: 0, isFull: false };
        try {
          decodeFormat(format, bytes, output);
          return output.bytes.subarray(0, output.size);
        } catch (error) {
          if (exact !== undefined || room === maximum || !output.isFull) throw error;
          room = Math.min(GUESS * room, maximum);
        }
      }
    },
    encode() {
      throw new MoraineError("UnsupportedCodec", "numcodecs.lzma: nothing is written with LZMA here");
    },
  };
  return codec;
};

function decodeFormat(format: number, bytes: Uint8Array, output: Output): void {
  if (format === XZ) decodeXz(bytes, output);
  else if (format === ALONE) decodeLzmaAlone(bytes, output);
  else decodeLzma2(bytes, 0, output);
}
