/**
 * `numcodecs.json2`: texts as a JSON list, which ends with the name of NumPy's data type and the shape (numcodecs,
 * `JSON`). Kerchunk keeps strings of HDF5 files so. Only lists of texts are read: other objects have no data type.
 *
 * @module
 */

import { isJsonArray, type JsonValue, parseJson } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import type { ArrayToBytesCodec, CodecMaker } from "./codec.ts";
import { Configuration } from "./configuration.ts";

const UTF8 = new TextEncoder();
const KEYS = [
  "encoding",
  "skipkeys",
  "ensure_ascii",
  "check_circular",
  "allow_nan",
  "sort_keys",
  "indent",
  "separators",
  "strict",
];

export const makeJsonStrings: CodecMaker = (values, { shape, dataType }) => {
  const configuration = new Configuration("numcodecs.json2", values, KEYS);
  configuration.word("encoding", ["utf-8", "utf8"], "utf-8");
  if (dataType.name !== "string") throw configuration.error(`it cannot encode ${dataType.name}`);
  const count = shape.reduce((product, length) => product * length, 1);
  const codec: ArrayToBytesCodec = {
    kind: "array-to-bytes",
    encodedSize: undefined,
    decode(bytes) {
      const texts = textsOf(parseJson(bytes), shape);
      if (texts.length !== count) {
        throw new MoraineError("CorruptChunk", `the chunk holds ${texts.length} elements, not ${count}`);
      }
      return texts;
    },
    encode(data) {
      if (data instanceof Uint8Array || data.length !== count) {
        throw new MoraineError("InvalidArgument", `a chunk of ${count} texts was expected`);
      }
      return UTF8.encode(JSON.stringify([...data, "|O", shape]));
    },
  };
  return codec;
};

function textsOf(json: JsonValue, shape: readonly number[]): string[] {
  const items = isJsonArray(json) ? json : [];
  const stored = items.at(-1);
  if (typeof items.at(-2) !== "string" || !isJsonArray(stored)) {
    throw new MoraineError("CorruptChunk", "the chunk is no JSON list that ends with a dtype and a shape");
  }
  if (stored.length !== shape.length || stored.some((length, axis) => length !== shape[axis])) {
    throw new MoraineError("CorruptChunk", `the chunk has the shape ${stored.join(" x ")}`);
  }
  const texts: string[] = [];
  const add = (item: JsonValue): void => {
    // Arrays of more axes are lists of lists.
    if (isJsonArray(item)) for (const member of item) add(member);
    else if (typeof item === "string") texts.push(item);
    else throw new MoraineError("UnsupportedDataType", `an object is ${typeof item}, not a text`);
  };
  for (const item of items.slice(0, -2)) add(item);
  return texts;
}
