/**
 * Codecs that put a checksum beside the bytes, and verify it.
 *
 * @module
 */

import { adler32 } from "../binary/adler32.ts";
import { crc32, crc32c } from "../binary/crc32.ts";
import { fletcher32, isFletcher32 } from "../binary/fletcher32.ts";
import { lookup3 } from "../binary/lookup3.ts";
import { MoraineError } from "../errors.ts";
import type { BytesToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

/** Where a checksum stands, and whether a configuration may say so. */
interface ChecksumPlace {
  readonly location: "start" | "end";
  readonly configurable: boolean;
  /** Accepts another checksum than the one that is computed; absent where none is. */
  readonly accepts?: (stored: number, bytes: Uint8Array) => boolean;
}

function makeChecksum(
  name: string,
  compute: (bytes: Uint8Array) => number,
  place: ChecksumPlace,
): CodecMaker {
  return (values) => {
    const configuration = new Configuration(name, values, place.configurable ? ["location"] : []);
    const location = configuration.word("location", ["start", "end"], place.location);
    const codec: BytesToBytesCodec = {
      kind: "bytes-to-bytes",
      encodedSize: (size) => size + 4,
      decode(bytes) {
        if (bytes.length < 4) throw new MoraineError("CorruptChunk", `no room for the ${name}`);
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const stored = view.getUint32(location === "start" ? 0 : bytes.length - 4, true);
        const content = location === "start" ? bytes.subarray(4) : bytes.subarray(0, -4);
        const found = compute(content);
        if (found !== stored && place.accepts?.(stored, content) !== true) {
          throw new MoraineError(
            "ChecksumMismatch",
            `${name}: ${found.toString(16)} was computed, ${stored.toString(16)} is stored`,
          );
        }
        return content;
      },
      encode(bytes) {
        const out = new Uint8Array(bytes.length + 4);
        const view = new DataView(out.buffer);
        out.set(bytes, location === "start" ? 4 : 0);
        view.setUint32(location === "start" ? 0 : bytes.length, compute(bytes), true);
        return out;
      },
    };
    return codec;
  };
}

/** HDF5's filter 3; the checksum stands at the end. */
export const makeFletcher32: CodecMaker = makeChecksum("numcodecs.fletcher32", fletcher32, {
  location: "end",
  configurable: false,
  accepts: isFletcher32,
});
/** Zarr v3 codec "crc32c". */
export const makeCrc32c: CodecMaker = makeChecksum("crc32c", crc32c, {
  location: "end",
  configurable: false,
});
export const makeNumcodecsCrc32c: CodecMaker = makeChecksum("numcodecs.crc32c", crc32c, {
  location: "end",
  configurable: true,
});
export const makeCrc32: CodecMaker = makeChecksum("numcodecs.crc32", crc32, {
  location: "start",
  configurable: true,
});
export const makeAdler32: CodecMaker = makeChecksum("numcodecs.adler32", adler32, {
  location: "start",
  configurable: true,
});
export const makeJenkinsLookup3: CodecMaker = makeChecksum("numcodecs.jenkins_lookup3", lookup3, {
  location: "end",
  configurable: false,
});
