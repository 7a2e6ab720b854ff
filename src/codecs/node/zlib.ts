/**
 * Node's own zlib, and its zstd where it has one (22.15 and later).
 *
 * @module
 */

import * as zlib from "node:zlib";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Deflate, DeflateFormat, Zstd } from "../native.ts";
import { decodeFrames, decodeFramesAsync } from "../zstd-frames.ts";

/** Output is made in one piece, unless that would be a very large one for what is compressed. */
const SMALLEST_PIECE = 64 * 1024;
const LIKELY_RATIO = 64;

function inflateOptions(bytes: Uint8Array, maximum: number): zlib.ZlibOptions {
  return {
    maxOutputLength: Math.max(maximum, 1),
    // A little more than comes out, else a further piece is made to see that nothing follows.
    chunkSize: Math.min(maximum + 64, Math.max(SMALLEST_PIECE, LIKELY_RATIO * bytes.length)),
  };
}

/** Bytes up to which work on another thread costs more than the work: of what is compressed, of what comes out. */
const SMALL_DEFLATE = 8 * 1024;
const SMALL_INFLATE = 32 * 1024;

function deflateOptions(bytes: Uint8Array, level: number): zlib.ZlibOptions {
  // Memory for what comes out, in one piece even where nothing can be compressed; of large chunks less will do.
  return { level, chunkSize: Math.min(bytes.length + 128, SMALLEST_PIECE) };
}

const INFLATE: Readonly<Record<DeflateFormat, (bytes: Uint8Array, options: zlib.ZlibOptions) => Buffer>> = {
  zlib: zlib.inflateSync,
  gzip: zlib.gunzipSync,
  raw: zlib.inflateRawSync,
};
const DEFLATE: Readonly<Record<DeflateFormat, (bytes: Uint8Array, options: zlib.ZlibOptions) => Buffer>> = {
  zlib: zlib.deflateSync,
  gzip: zlib.gzipSync,
  raw: zlib.deflateRawSync,
};
type Callback = (error: Error | null, result: Buffer) => void;
type Async = (bytes: Uint8Array, options: zlib.ZlibOptions, callback: Callback) => void;
const INFLATE_ASYNC: Readonly<Record<DeflateFormat, Async>> = {
  zlib: zlib.inflate,
  gzip: zlib.gunzip,
  raw: zlib.inflateRaw,
};
const DEFLATE_ASYNC: Readonly<Record<DeflateFormat, Async>> = {
  zlib: zlib.deflate,
  gzip: zlib.gzip,
  raw: zlib.deflateRaw,
};

export const nodeDeflate: Deflate = {
  inflate(bytes, format, maximum) {
    try {
      return plain(INFLATE[format](bytes, inflateOptions(bytes, maximum)));
    } catch (error) {
      throw translated(error, maximum);
    }
  },
  deflate: (bytes, format, level) => plain(DEFLATE[format](bytes, deflateOptions(bytes, level))),
  async inflateAsync(bytes, format, maximum) {
    if (maximum <= SMALL_INFLATE) return nodeDeflate.inflate(bytes, format, maximum);
    return await promise(INFLATE_ASYNC[format], bytes, inflateOptions(bytes, maximum), maximum);
  },
  async deflateAsync(bytes, format, level) {
    if (bytes.length <= SMALL_DEFLATE) return nodeDeflate.deflate(bytes, format, level);
    return await promise(DEFLATE_ASYNC[format], bytes, deflateOptions(bytes, level));
  },
};

function promise<Options>(
  work: (bytes: Uint8Array, options: Options, callback: Callback) => void,
  bytes: Uint8Array,
  options: Options,
  maximum?: number,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    work(bytes, options, (error, result) =>
      error ? reject(translated(error, maximum)) : resolve(plain(result)),
    );
  });
}

/** What zlib and libzstd say, as the errors of decoders. */
function translated(error: unknown, maximum: number | undefined): unknown {
  if (!(error instanceof Error) || isMoraineError(error)) return error;
  const code = "code" in error ? String(error.code) : "";
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new MoraineError("CorruptChunk", `more than ${maximum} bytes are compressed here`, {
      cause: error,
    });
  }
  const isChecksum = error.message === "incorrect data check" || code === "ZSTD_error_checksum_wrong";
  return new MoraineError(
    isChecksum ? "ChecksumMismatch" : "CorruptChunk",
    `the compressed bytes do not decode: ${error.message}`,
    { cause: error },
  );
}

/** A view that is no Buffer, whose `slice` would not copy. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

interface ZstdFunctions {
  readonly zstdDecompressSync: (bytes: Uint8Array, options: object) => Buffer;
  readonly zstdCompressSync: (bytes: Uint8Array, options: object) => Buffer;
  readonly zstdDecompress: (bytes: Uint8Array, options: object, callback: Callback) => void;
  readonly zstdCompress: (bytes: Uint8Array, options: object, callback: Callback) => void;
}

function hasZstd(module: object): module is ZstdFunctions {
  return "zstdDecompressSync" in module && "zstdCompressSync" in module && "zstdDecompress" in module;
}

/** Parameters of libzstd (zstd.h): compression level, checksum flag. */
const LEVEL = 100;
const CHECKSUM = 201;

/** Node's zstd, or undefined where this Node has none. */
export const nodeZstd: Zstd | undefined = hasZstd(zlib) ? makeZstd(zlib) : undefined;

function makeZstd(functions: ZstdFunctions): Zstd {
  const compressOptions = (bytes: Uint8Array, level: number, checksum: boolean) => ({
    params: { [LEVEL]: level, [CHECKSUM]: checksum ? 1 : 0 },
    // Told, the frame says how much is in it: numcodecs before 0.13 reads no other, and libzstd compresses better.
    pledgedSrcSize: bytes.length,
  });
  return {
    ready: () => Promise.resolve(),
    // Node stops behind the first frame.
    decompress: (bytes, maximum) =>
      decodeFrames(bytes, maximum, (frame, size) => {
        try {
          return plain(functions.zstdDecompressSync(frame, inflateOptions(frame, size)));
        } catch (error) {
          throw translated(error, size);
        }
      }),
    compress: (bytes, level, checksum) =>
      plain(functions.zstdCompressSync(bytes, compressOptions(bytes, level, checksum))),
    decompressAsync: (bytes, maximum) =>
      decodeFramesAsync(bytes, maximum, (frame, size) =>
        promise(functions.zstdDecompress, frame, inflateOptions(frame, size), size),
      ),
    compressAsync: (bytes, level, checksum) =>
      promise(functions.zstdCompress, bytes, compressOptions(bytes, level, checksum)),
  };
}
