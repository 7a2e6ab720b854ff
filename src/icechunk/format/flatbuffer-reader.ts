/**
 * FlatBuffers as they come from untrusted files: every access is checked against the end of the bytes, and what
 * is visited is counted, so that a small file whose tables share their parts cannot grow without bound.
 *
 * Positions are numbers, not objects: a manifest of a million references is searched where it lies.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });
const TWO_32 = 4294967296;

/** A vector: the position of its first element and the number of its elements. */
export interface VectorPosition {
  readonly start: number;
  readonly count: number;
}

/** All bytes of a FlatBuffer of which only the first were there. */
export type Completion = () => Uint8Array;

export class FlatBufferReader {
  #bytes: Uint8Array;
  /** Address of the file, for errors. */
  readonly source: string;
  #view: DataView;
  #budget: number;
  #complete: Completion | undefined;

  /** @param complete called when something beyond the bytes is looked at */
  constructor(bytes: Uint8Array, source: string, complete?: Completion) {
    this.#bytes = bytes;
    this.source = source;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#complete = complete;
    // Writers share strings at most, never tables with vectors: four times the file is ample.
    this.#budget = 4 * bytes.length + 65536;
  }

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  corrupt(message: string, position?: number): MoraineError {
    const where = position === undefined ? "" : ` at byte ${position} of the FlatBuffer`;
    return new MoraineError("CorruptFile", `${message}${where}`, { source: this.source });
  }

  #check(position: number, length: number): void {
    if (position >= 0 && position + length <= this.#bytes.length) return;
    const complete = this.#complete;
    if (complete === undefined) throw this.corrupt("points outside the file", position);
    this.#complete = undefined;
    const bytes = complete();
    this.#budget += 4 * (bytes.length - this.#bytes.length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#check(position, length);
  }

  u8(position: number): number {
    this.#check(position, 1);
    return this.#view.getUint8(position);
  }

  u16(position: number): number {
    this.#check(position, 2);
    return this.#view.getUint16(position, true);
  }

  u32(position: number): number {
    this.#check(position, 4);
    return this.#view.getUint32(position, true);
  }

  i32(position: number): number {
    this.#check(position, 4);
    return this.#view.getInt32(position, true);
  }

  /** A 64-bit unsigned integer as a double; `NumberTooLarge` beyond 2^53 - 1. */
  u64(position: number): number {
    this.#check(position, 8);
    const value = this.#view.getUint32(position, true) + this.#view.getUint32(position + 4, true) * TWO_32;
    if (value > Number.MAX_SAFE_INTEGER) {
      throw new MoraineError("NumberTooLarge", `an integer is beyond 2^53 - 1`, { source: this.source });
    }
    return value;
  }

  /** A view of bytes; of a struct, or of a vector of bytes. */
  slice(position: number, length: number): Uint8Array {
    this.#check(position, length);
    return this.#bytes.subarray(position, position + length);
  }

  /** How bytes here compare with others, as their difference does with zero. */
  compareSlice(position: number, other: Uint8Array): number {
    this.#check(position, other.length);
    for (let i = 0; i < other.length; i++) {
      const difference = (this.#bytes[position + i] ?? 0) - (other[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Position of the root table. */
  root(): number {
    return this.follow(0);
  }

  /** Follows the offset that is stored at a position. */
  follow(position: number): number {
    const target = position + this.u32(position);
    this.#check(target, 4);
    return target;
  }

  /** Position of the field in a slot of a table; 0 where the table leaves it out. */
  field(table: number, slot: number): number {
    const vtable = table - this.i32(table);
    const size = this.u16(vtable);
    const entry = 4 + 2 * slot;
    if (entry + 2 > size) return 0;
    const offset = this.u16(vtable + entry);
    return offset === 0 ? 0 : table + offset;
  }

  /** As {@link field}; an error where a field that must be there is left out. */
  required(table: number, slot: number, name: string): number {
    const position = this.field(table, slot);
    if (position === 0) throw this.corrupt(`${name} is missing`, table);
    return position;
  }

  /** The table, vector or string that a field points to; 0 where the field is left out. */
  target(table: number, slot: number): number {
    const position = this.field(table, slot);
    return position === 0 ? 0 : this.follow(position);
  }

  /** The vector that a field points to, its extent checked; undefined where the field is left out. */
  vector(table: number, slot: number, elementBytes: number): VectorPosition | undefined {
    const position = this.target(table, slot);
    return position === 0 ? undefined : this.vectorAt(position, elementBytes);
  }

  requiredVector(table: number, slot: number, elementBytes: number, name: string): VectorPosition {
    return this.vectorAt(this.follow(this.required(table, slot, name)), elementBytes);
  }

  vectorAt(position: number, elementBytes: number): VectorPosition {
    const count = this.u32(position);
    this.#check(position + 4, count * elementBytes);
    return { start: position + 4, count };
  }

  /**
   * Counts what a visit of a whole vector or string costs. Called by everything that makes objects of what it
   * reads, not by searches in place.
   */
  charge(bytes: number): void {
    this.#budget -= bytes;
    if (this.#budget < 0) throw this.corrupt("the same parts are referred to again and again");
  }

  /** A vector of bytes, as a view; undefined where the field is left out. */
  byteVector(table: number, slot: number): Uint8Array | undefined {
    const vector = this.vector(table, slot, 1);
    return vector && this.slice(vector.start, vector.count);
  }

  /** A string; undefined where the field is left out. */
  string(table: number, slot: number): string | undefined {
    const position = this.target(table, slot);
    return position === 0 ? undefined : this.stringAt(position);
  }

  requiredString(table: number, slot: number, name: string): string {
    return this.stringAt(this.follow(this.required(table, slot, name)));
  }

  stringAt(position: number): string {
    const { start, count } = this.vectorAt(position, 1);
    this.charge(count + 8);
    return TEXT.decode(this.slice(start, count));
  }

  /** Scalars with their defaults where the field is left out. */
  u8Field(table: number, slot: number, fallback: number): number {
    const position = this.field(table, slot);
    return position === 0 ? fallback : this.u8(position);
  }

  i32Field(table: number, slot: number, fallback: number): number {
    const position = this.field(table, slot);
    return position === 0 ? fallback : this.i32(position);
  }

  u32Field(table: number, slot: number, fallback: number): number {
    const position = this.field(table, slot);
    return position === 0 ? fallback : this.u32(position);
  }

  u64Field(table: number, slot: number, fallback: number): number {
    const position = this.field(table, slot);
    return position === 0 ? fallback : this.u64(position);
  }
}

/** Where the fields of tables are. Tables share their vtables, of which a file has a handful: the last is remembered. */
export class TableFields {
  readonly #reader: FlatBufferReader;
  readonly #offsets: Uint16Array;
  #vtable = -1;

  /** @param slots how many fields the schema has */
  constructor(reader: FlatBufferReader, slots: number) {
    this.#reader = reader;
    this.#offsets = new Uint16Array(slots);
  }

  /** For each slot the distance of its field from the table, 0 where it is left out; holds until the next call. */
  of(table: number): Uint16Array {
    const reader = this.#reader;
    const vtable = table - reader.i32(table);
    if (vtable !== this.#vtable) {
      for (let slot = 0; slot < this.#offsets.length; slot++) {
        const field = reader.field(table, slot);
        this.#offsets[slot] = field === 0 ? 0 : field - table;
      }
      this.#vtable = vtable;
    }
    return this.#offsets;
  }
}
