/**
 * FlexBuffers: the form of metadata values and of the configuration in files of specification 2
 * (https://flatbuffers.dev/internals, "FlexBuffers").
 *
 * A value is read with the width of the vector that holds it; strings, vectors and maps lie before what points
 * to them, and the root stands at the end.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";

export const TYPE = {
  null: 0,
  int: 1,
  uint: 2,
  float: 3,
  key: 4,
  string: 5,
  indirectInt: 6,
  indirectUint: 7,
  indirectFloat: 8,
  map: 9,
  vector: 10,
  vectorInt: 11,
  vectorString: 15,
  vectorInt2: 16,
  vectorFloat4: 24,
  bool: 26,
  vectorBool: 36,
} as const;

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });
const MAX_DEPTH = 64;

/**
 * The value of a FlexBuffer.
 *
 * Errors: `CorruptFile` where the bytes are none; `LimitExceeded` beyond 64 levels.
 */
export function decodeFlexBuffer(bytes: Uint8Array, source: string): JsonValue {
  const reader = new FlexBufferReader(bytes, source);
  return reader.root();
}

class FlexBufferReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #source: string;
  // Vectors may share their elements; no honest document visits many more values than it has bytes.
  #budget: number;

  constructor(bytes: Uint8Array, source: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
    this.#budget = 4 * bytes.length + 64;
  }

  root(): JsonValue {
    const length = this.#bytes.length;
    if (length < 3) throw this.#corrupt("a FlexBuffer has at least three bytes");
    const width = this.#bytes[length - 1] ?? 0;
    if (![1, 2, 4, 8].includes(width)) throw this.#corrupt(`width ${width}`);
    return this.#value(length - 2 - width, width, this.#bytes[length - 2] ?? 0, 0);
  }

  #corrupt(message: string): MoraineError {
    return new MoraineError("CorruptFile", `FlexBuffer: ${message}`, { source: this.#source });
  }

  #charge(count: number): void {
    this.#budget -= count;
    if (this.#budget < 0) throw this.#corrupt("the same parts are referred to again and again");
  }

  #check(at: number, length: number): void {
    if (!(at >= 0) || at + length > this.#bytes.length) throw this.#corrupt(`points outside, to byte ${at}`);
  }

  #unsigned(at: number, width: number): number {
    const value = this.#integer(at, width, false);
    return typeof value === "number" ? value : Number.POSITIVE_INFINITY;
  }

  #integer(at: number, width: number, signed: boolean): number | bigint {
    this.#check(at, width);
    if (width === 1) return signed ? this.#view.getInt8(at) : this.#view.getUint8(at);
    if (width === 2) return signed ? this.#view.getInt16(at, true) : this.#view.getUint16(at, true);
    if (width === 4) return signed ? this.#view.getInt32(at, true) : this.#view.getUint32(at, true);
    const wide = signed ? this.#view.getBigInt64(at, true) : this.#view.getBigUint64(at, true);
    return Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
  }

  #float(at: number, width: number): number {
    this.#check(at, width);
    if (width === 4) return this.#view.getFloat32(at, true);
    if (width === 8) return this.#view.getFloat64(at, true);
    throw this.#corrupt(`a float of ${width} bytes`);
  }

  #value(at: number, width: number, packed: number, depth: number): JsonValue {
    if (depth > MAX_DEPTH) {
      throw new MoraineError("LimitExceeded", `FlexBuffer nested beyond ${MAX_DEPTH} levels`, {
        source: this.#source,
      });
    }
    this.#charge(1);
    const type = packed >> 2;
    const inner = 1 << (packed & 3);
    switch (type) {
      case TYPE.null:
        return null;
      case TYPE.bool:
        return this.#unsigned(at, width) !== 0;
      case TYPE.int:
      case TYPE.uint:
        return this.#integer(at, width, type === TYPE.int);
      case TYPE.float:
        return this.#float(at, width);
    }
    const target = at - this.#unsigned(at, width);
    this.#check(target, 0);
    switch (type) {
      case TYPE.key:
        return this.#key(target);
      case TYPE.string:
        return this.#string(target, this.#unsigned(target - inner, inner));
      case TYPE.indirectInt:
      case TYPE.indirectUint:
        return this.#integer(target, inner, type === TYPE.indirectInt);
      case TYPE.indirectFloat:
        return this.#float(target, inner);
      case TYPE.vector:
        return this.#vector(target, inner, depth);
      case TYPE.map:
        return this.#map(target, inner, depth);
    }
    if ((type >= TYPE.vectorInt && type <= TYPE.vectorString) || type === TYPE.vectorBool) {
      const element = type === TYPE.vectorBool ? TYPE.bool : type - TYPE.vectorInt + TYPE.int;
      return this.#typedVector(target, inner, element, this.#unsigned(target - inner, inner), depth);
    }
    if (type >= TYPE.vectorInt2 && type <= TYPE.vectorFloat4) {
      const index = type - TYPE.vectorInt2;
      return this.#typedVector(target, inner, TYPE.int + (index % 3), 2 + Math.floor(index / 3), depth);
    }
    throw this.#corrupt(`type ${type}`);
  }

  #key(at: number): string {
    const end = this.#bytes.indexOf(0, at);
    if (end < 0) throw this.#corrupt("a key has no end");
    return this.#string(at, end - at);
  }

  #string(at: number, length: number): string {
    this.#check(at, length);
    this.#charge(length);
    return TEXT.decode(this.#bytes.subarray(at, at + length));
  }

  #vector(at: number, width: number, depth: number): JsonValue[] {
    const count = this.#unsigned(at - width, width);
    this.#check(at, count * (width + 1));
    const types = at + count * width;
    const values: JsonValue[] = [];
    for (let i = 0; i < count; i++) {
      values.push(this.#value(at + i * width, width, this.#bytes[types + i] ?? 0, depth + 1));
    }
    return values;
  }

  #typedVector(at: number, width: number, type: number, count: number, depth: number): JsonValue[] {
    this.#check(at, count * width);
    const values: JsonValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.#value(at + i * width, width, type << 2, depth + 1));
    return values;
  }

  #map(at: number, width: number, depth: number): JsonValue {
    const keysField = at - 3 * width;
    const keys = keysField - this.#unsigned(keysField, width);
    const keyWidth = this.#unsigned(at - 2 * width, width);
    if (![1, 2, 4, 8].includes(keyWidth)) throw this.#corrupt(`key width ${keyWidth}`);
    const values = this.#vector(at, width, depth);
    this.#check(keys, values.length * keyWidth);
    const entries: [string, JsonValue][] = values.map((value, i) => {
      const field = keys + i * keyWidth;
      const key = field - this.#unsigned(field, keyWidth);
      this.#check(key, 1);
      return [this.#key(key), value];
    });
    // Object.fromEntries defines properties, so that a key "__proto__" stays a key.
    return Object.fromEntries(entries);
  }
}
