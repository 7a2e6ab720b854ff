/**
 * Writes FlexBuffers, each vector as narrow as its contents allow (see `flexbuffer.ts`).
 *
 * @module
 */

import { isJsonArray, type JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import { TYPE } from "./flexbuffer.ts";
import { compareBytes } from "./order.ts";

const UTF8 = new TextEncoder();
const WIDTHS = [1, 2, 4, 8] as const;

/** A value that its vector will hold: the number itself, or the position of what it points to. */
interface Slot {
  readonly type: number;
  readonly number: number | bigint;
  /** Bytes that the number needs, or the width of what it points to. */
  readonly width: number;
  readonly points: boolean;
}

/** The FlexBuffer of a JSON value. Errors: `InvalidArgument` for what JSON does not have, and integers beyond 64 bits. */
export function encodeFlexBuffer(value: JsonValue): Uint8Array {
  return new FlexBufferWriter().finish(value);
}

class FlexBufferWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #keys = new Map<string, number>();

  finish(value: JsonValue): Uint8Array {
    const root = this.#slot(value);
    const width = this.#vectorWidth([root], 0);
    const at = this.#reserve(width, width);
    this.#put(at, width, root);
    const tail = this.#reserve(2, 1);
    this.#bytes[tail] = this.#packed(root, width);
    this.#bytes[tail + 1] = width;
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number, alignment: number): number {
    const at = Math.ceil(this.#length / alignment) * alignment;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(at + count, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = at + count;
    return at;
  }

  #slot(value: JsonValue): Slot {
    if (value === null) return { type: TYPE.null, number: 0, width: 1, points: false };
    if (typeof value === "boolean")
      return { type: TYPE.bool, number: value ? 1 : 0, width: 1, points: false };
    if (typeof value === "string") return this.#string(value);
    if (typeof value === "bigint") return integerSlot(value);
    if (typeof value === "number") {
      if (Number.isSafeInteger(value)) return integerSlot(value);
      if (!Number.isFinite(value)) throw noJson(value);
      return { type: TYPE.float, number: value, width: Math.fround(value) === value ? 4 : 8, points: false };
    }
    if (isJsonArray(value))
      return this.#vector(
        value.map((item) => this.#slot(item)),
        [],
      );
    // Times, functions, maps: programs without types would find them empty.
    if (!isPlainObject(value)) throw noJson(value);
    return this.#map(Object.entries(value));
  }

  #string(text: string): Slot {
    const encoded = UTF8.encode(text);
    const width = unsignedWidth(encoded.length);
    const size = this.#reserve(width + encoded.length + 1, width);
    this.#put(size, width, integerSlot(encoded.length));
    this.#bytes.set(encoded, size + width);
    return { type: TYPE.string, number: size + width, width, points: true };
  }

  #map(entries: readonly (readonly [string, JsonValue])[]): Slot {
    const sorted = entries
      .map(([key, value]) => ({ key, encoded: UTF8.encode(key), value }))
      .sort((a, b) => compareBytes(a.encoded, b.encoded));
    const keySlots = sorted.map(({ key, encoded }) => this.#key(key, encoded));
    const keysWidth = this.#vectorWidth(keySlots, 1);
    const keys = this.#elements(keySlots, [integerSlot(keySlots.length)], keysWidth);
    const values = sorted.map(({ value }) => this.#slot(value));
    const keysSlot: Slot = { type: TYPE.key, number: keys, width: keysWidth, points: true };
    return this.#vector(values, [keysSlot, integerSlot(keysWidth)]);
  }

  #key(key: string, encoded: Uint8Array): Slot {
    if (encoded.includes(0)) throw new MoraineError("InvalidArgument", "a key holds a NUL character");
    let at = this.#keys.get(key);
    if (at === undefined) {
      at = this.#reserve(encoded.length + 1, 1);
      this.#bytes.set(encoded, at);
      this.#keys.set(key, at);
    }
    return { type: TYPE.key, number: at, width: 1, points: true };
  }

  /** A vector, or a map when its keys and their width stand before it. */
  #vector(slots: readonly Slot[], before: readonly Slot[]): Slot {
    const prefix = [...before, integerSlot(slots.length)];
    const width = this.#vectorWidth([...prefix, ...slots], 0);
    const at = this.#elements(slots, prefix, width);
    const types = this.#reserve(slots.length, 1);
    slots.forEach((slot, i) => {
      this.#bytes[types + i] = this.#packed(slot, width);
    });
    return { type: before.length > 0 ? TYPE.map : TYPE.vector, number: at, width, points: true };
  }

  #elements(slots: readonly Slot[], prefix: readonly Slot[], width: number): number {
    const at = this.#reserve((prefix.length + slots.length) * width, width);
    [...prefix, ...slots].forEach((slot, i) => {
      this.#put(at + i * width, width, slot);
    });
    return at + prefix.length * width;
  }

  /** The narrowest width in which all slots, written next after `before` others, can be expressed. */
  #vectorWidth(slots: readonly Slot[], before: number): number {
    for (const width of WIDTHS) {
      const at = Math.ceil(this.#length / width) * width;
      const fits = slots.every((slot, i) =>
        slot.points
          ? unsignedWidth(at + (before + i) * width - Number(slot.number)) <= width
          : slot.width <= width,
      );
      if (fits && unsignedWidth(slots.length) <= width) return width;
    }
    return 8;
  }

  #packed(slot: Slot, width: number): number {
    const own = slot.points ? slot.width : Math.max(slot.width, width);
    return (slot.type << 2) | Math.log2(own);
  }

  #put(at: number, width: number, slot: Slot): void {
    const number = slot.points ? at - Number(slot.number) : slot.number;
    if (slot.type === TYPE.float) {
      if (width === 4) this.#view.setFloat32(at, Number(number), true);
      else this.#view.setFloat64(at, Number(number), true);
    } else if (width === 8) this.#view.setBigInt64(at, BigInt.asIntN(64, BigInt(number)), true);
    else if (width === 4) this.#view.setUint32(at, Number(number), true);
    else if (width === 2) this.#view.setUint16(at, Number(number), true);
    else this.#view.setUint8(at, Number(number));
  }
}

function unsignedWidth(value: number): number {
  return value < 256 ? 1 : value < 65536 ? 2 : value < 4294967296 ? 4 : 8;
}

function integerSlot(value: number | bigint): Slot {
  if (value >= 0) {
    if (typeof value === "bigint" && value > 18446744073709551615n) throw tooWide(value);
    return { type: TYPE.uint, number: value, width: unsignedWidth(Number(value)), points: false };
  }
  if (typeof value === "bigint" && value < -9223372036854775808n) throw tooWide(value);
  const width = value >= -128 ? 1 : value >= -32768 ? 2 : value >= -2147483648 ? 4 : 8;
  return { type: TYPE.int, number: value, width, points: false };
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Those of other realms have a prototype of their own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function noJson(value: unknown): MoraineError {
  return new MoraineError("InvalidArgument", `${String(value)} is no JSON value`);
}

function tooWide(value: bigint): MoraineError {
  return new MoraineError("InvalidArgument", `${value} does not fit 64 bits`);
}
