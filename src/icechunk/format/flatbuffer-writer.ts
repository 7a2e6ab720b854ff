/**
 * Writes FlatBuffers from front to back: a table, then what it points to. The usual builders write from back to
 * front, one field at a time; here the place of every field is known before, so that a manifest of a million
 * references is filled in like an array.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

/** What stands in a slot of a table: a scalar of that many bytes, an offset, or a struct of that many bytes. */
export type FieldType = "u8" | "u16" | "u32" | "i32" | "u64" | "offset" | { readonly struct: number };

const SIZES = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, offset: 4 } as const;
/** FlatBuffers' own ceiling: offsets in vtables and strings are signed 32-bit. */
const MAX_BYTES = 2147483647;
const UTF8 = new TextEncoder();

/** The slots of a table in the order of its schema. */
export type TableSchema = readonly (readonly [name: string, type: FieldType])[];

/** Where the fields of a table lie when some of its slots are present. */
export interface TableLayout<Name extends string = never> {
  /** Offset of each present field from the table's start. */
  readonly at: Readonly<Record<Name, number>>;
  readonly vtable: Uint8Array;
  /** Bytes of the table, the offset to the vtable included. */
  readonly size: number;
  /** 8 when it has 64-bit fields, else 4. */
  readonly alignment: number;
}

/** Lays out the named slots of a table; the other ones are left out. */
export function tableLayout<const Schema extends TableSchema, const Name extends Schema[number][0]>(
  schema: Schema,
  ...names: readonly Name[]
): TableLayout<Name> {
  const wanted = new Set<string>(names);
  const present = schema
    .map(([name, type], slot) =>
      typeof type === "string"
        ? { name, slot, size: SIZES[type], alignment: SIZES[type] }
        : { name, slot, size: type.struct, alignment: 1 },
    )
    .filter(({ name }) => wanted.has(name));
  const fields = [...present].sort((a, b) => b.alignment - a.alignment);
  const alignment = Math.max(4, ...fields.map((field) => field.alignment));
  const at: Record<string, number> = {};
  let size = 4;
  if (alignment === 8) {
    // A 4-byte field fills the gap between the offset to the vtable and the first 64-bit field.
    const filler = fields.findIndex((field) => field.alignment === 4);
    if (filler >= 0) for (const field of fields.splice(filler, 1)) at[field.name] = 4;
    size = 8;
  }
  for (const field of fields) {
    size = Math.ceil(size / field.alignment) * field.alignment;
    at[field.name] = size;
    size += field.size;
  }
  const slots = Math.max(-1, ...present.map(({ slot }) => slot)) + 1;
  const vtable = new Uint8Array(4 + 2 * slots);
  const view = new DataView(vtable.buffer);
  view.setUint16(0, vtable.length, true);
  view.setUint16(2, size, true);
  for (const { name, slot } of present) view.setUint16(4 + 2 * slot, at[name] ?? 0, true);
  // Every name was given its place above.
  return { at: at as Record<Name, number>, vtable, size, alignment };
}

/** Texts of at most so many units are written unit by unit. */
const SHORT_TEXT = 96;

export class FlatBufferWriter {
  /** The buffer being filled; replaced when it grows, so never held across calls that write. */
  bytes: Uint8Array;
  view: DataView;
  /** Bytes written so far, and so the position of the next one. */
  length = 0;
  readonly #vtables = new Map<Uint8Array, number>();

  /**
   * @param capacity bytes expected; the buffer grows where they do not suffice
   * @param scratch memory to be used where it suffices, whatever is in it; what is written lies in it then
   */
  constructor(capacity: number, scratch?: Uint8Array<ArrayBuffer>) {
    const usable = scratch !== undefined && scratch.length >= capacity;
    this.bytes = usable ? scratch.subarray(0, capacity).fill(0) : new Uint8Array(Math.max(capacity, 256));
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /**
   * Makes room for `count` bytes that are zero and gives their position.
   *
   * Errors: `LimitExceeded` beyond 2 GiB, which no FlatBuffer can hold.
   */
  reserve(count: number, alignment = 1): number {
    const at = Math.ceil(this.length / alignment) * alignment;
    const end = at + count;
    if (end > MAX_BYTES) throw new MoraineError("LimitExceeded", "a FlatBuffer would be larger than 2 GiB");
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.min(Math.max(end, this.bytes.length * 2), MAX_BYTES));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = end;
    return at;
  }

  /** Begins the file: the root table and Icechunk's file identifier. */
  root(layout: TableLayout<string>): number {
    const at = this.reserve(8);
    this.bytes.set(UTF8.encode("Ichk"), at + 4);
    return this.table(layout, at);
  }

  /** Writes an empty table and lets the offset field at `from` point to it. */
  table(layout: TableLayout<string>, from: number): number {
    const vtable = this.vtable(layout);
    const at = this.reserve(layout.size, layout.alignment);
    this.view.setInt32(at, at - vtable, true);
    this.point(from, at);
    return at;
  }

  /** Position of a layout's vtable, which is written where it is first needed. */
  vtable(layout: TableLayout<string>): number {
    let vtable = this.#vtables.get(layout.vtable);
    if (vtable === undefined) {
      vtable = this.reserve(layout.vtable.length, 2);
      this.bytes.set(layout.vtable, vtable);
      this.#vtables.set(layout.vtable, vtable);
    }
    return vtable;
  }

  point(from: number, target: number): void {
    this.view.setUint32(from, target - from, true);
  }

  /** A vector of `count` elements that are zero; gives the position of the first. */
  vector(from: number, count: number, elementBytes: number, alignment: 4 | 8 = 4): number {
    let at = this.reserve(4, 4);
    // The elements must be aligned, not the count before them.
    if ((at + 4) % alignment !== 0) at = this.reserve(4, 4);
    this.view.setUint32(at, count, true);
    this.point(from, at);
    return this.reserve(count * elementBytes);
  }

  byteVector(from: number, bytes: Uint8Array): void {
    const at = this.vector(from, bytes.length, 1);
    this.bytes.set(bytes, at);
  }

  string(from: number, text: string): void {
    this.point(from, this.text(text));
  }

  /** Writes a string and gives its position, for those that several fields point to. */
  text(text: string): number {
    const { length } = text;
    if (length > SHORT_TEXT) return this.#encodedText(text);
    // Names, messages and backup paths: one unit a byte, without a call into the encoder.
    const before = this.length;
    const at = this.reserve(4 + length + 1, 4);
    const { bytes } = this;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        bytes.fill(0, before, this.length);
        this.length = before;
        return this.#encodedText(text);
      }
      bytes[at + 4 + i] = unit;
    }
    this.view.setUint32(at, length, true);
    return at;
  }

  #encodedText(text: string): number {
    const encoded = UTF8.encode(text);
    const at = this.reserve(4 + encoded.length + 1, 4);
    this.view.setUint32(at, encoded.length, true);
    this.bytes.set(encoded, at + 4);
    return at;
  }

  u8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }

  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }

  u16(at: number, value: number): void {
    this.view.setUint16(at, value, true);
  }

  i32(at: number, value: number): void {
    this.view.setInt32(at, value, true);
  }

  u64(at: number, value: number): void {
    this.view.setUint32(at, value % 4294967296, true);
    this.view.setUint32(at + 4, Math.floor(value / 4294967296), true);
  }

  set(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }

  /** What was written. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
