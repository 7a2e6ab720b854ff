/**
 * `vlen-utf8` and `vlen-bytes`: a count, then for each element its length and its bytes, all integers unsigned,
 * 32 bits, little-endian (zarr-extensions "vlen-utf8", "vlen-bytes"; numcodecs' VLenUTF8, VLenBytes).
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, ChunkData, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

const TEXT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UTF8 = new TextEncoder();

export const makeVlenUtf8: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("vlen-utf8", values, []);
  if (dataType.name !== "string") throw configuration.error(`it cannot encode ${dataType.name}`);
  const count = shape.reduce((product, length) => product * length, 1);
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize: undefined,
    decode: (bytes) => split(bytes, count).map((part) => TEXT.decode(part)),
    encode: (data) =>
      join(
        elementsOf(data).map((item) => (typeof item === "string" ? UTF8.encode(item) : refuse("a string"))),
        count,
      ),
  };
  return codec;
};

export const makeVlenBytes: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("vlen-bytes", values, []);
  if (dataType.name !== "variable_length_bytes")
    throw configuration.error(`it cannot encode ${dataType.name}`);
  const count = shape.reduce((product, length) => product * length, 1);
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize: undefined,
    decode: (bytes) => split(bytes, count),
    encode: (data) =>
      join(
        elementsOf(data).map((item) => (item instanceof Uint8Array ? item : refuse("bytes"))),
        count,
      ),
  };
  return codec;
};

function elementsOf(data: ChunkData): readonly (string | Uint8Array)[] {
  if (data instanceof Uint8Array)
    throw new MoraineError("InvalidArgument", "a list of elements was expected");
  return data;
}

function refuse(wanted: string): never {
  throw new MoraineError("InvalidArgument", `each element must be ${wanted}`);
}

/** The parts of an encoded chunk; it must hold exactly `count` of them and nothing after them. */
function split(bytes: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== count) {
    throw new MoraineError("CorruptChunk", `the chunk does not hold ${count} elements`);
  }
  const parts: Uint8Array[] = [];
  let at = 4;
  for (let element = 0; element < count; element++) {
    if (at + 4 > bytes.length) throw new MoraineError("CorruptChunk", `the chunk ends in element ${element}`);
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.length) throw new MoraineError("CorruptChunk", `the chunk ends in element ${element}`);
    parts.push(bytes.subarray(at + 4, end));
    at = end;
  }
  if (at !== bytes.length) throw new MoraineError("CorruptChunk", "bytes follow the last element");
  return parts;
}

/** Texts as `vlen-utf8` encodes them. Errors: `LimitExceeded` for more than 2 GiB. */
export function encodeTexts(texts: readonly string[]): Uint8Array {
  return join(
    texts.map((text) => UTF8.encode(text)),
    texts.length,
  );
}

function join(parts: readonly Uint8Array[], count: number): Uint8Array {
  if (parts.length !== count) {
    throw new MoraineError(
      "InvalidArgument",
      `a chunk of ${count} elements was expected, not ${parts.length}`,
    );
  }
  const size = parts.reduce((total, part) => total + 4 + part.length, 4);
  if (size > 0x7fffffff) throw new MoraineError("LimitExceeded", `${size} bytes of elements in one chunk`);
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, count, true);
  let at = 4;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}
