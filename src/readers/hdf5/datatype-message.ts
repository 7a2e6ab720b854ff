/**
 * Parses datatypes, versions 1 to 5, all twelve classes (specification 4.0, IV.A.2.d "The Datatype Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { ByteOrder, CompoundMember, Datatype } from "./datatype.ts";
import { takeText, terminatedText } from "./text.ts";

const PADDINGS = ["null-terminated", "null-padded", "space-padded"] as const;
const REFERENCES = ["object", "region", "object2", "region2", "attribute"] as const;
/** Types within types: more than any program makes, few enough for the stack. */
const MAXIMUM_DEPTH = 64;
const MAXIMUM_RANK = 32;

/**
 * @param cursor over the message's body; it ends behind the datatype
 * @throws `UnsupportedVersion`, `UnsupportedDataType` (a class that no version defines), `CorruptFile`,
 *   `TruncatedFile`
 */
export function parseDatatype(cursor: Cursor): Datatype {
  return parse(cursor, 0);
}

function parse(cursor: Cursor, depth: number): Datatype {
  if (depth > MAXIMUM_DEPTH) throw cursor.corrupt("datatypes nested too deeply");
  const start = cursor.offset;
  const classAndVersion = cursor.u8();
  const version = classAndVersion >> 4;
  if (version < 1 || version > 5) {
    throw new MoraineError("UnsupportedVersion", `datatype message of version ${version}`, {
      source: cursor.source,
      offset: start,
    });
  }
  const bits = cursor.u8() | (cursor.u8() << 8) | (cursor.u8() << 16);
  const size = cursor.u32();
  if (size === 0) throw cursor.corrupt("a datatype of no bytes", start);
  switch (classAndVersion & 15) {
    case 0:
      return { ...integer(cursor, "integer", bits, size), signed: (bits & 8) !== 0 };
    case 1:
      return float(cursor, bits, size);
    case 2:
      cursor.skip(2);
      return { class: "time", size, order: (bits & 1) !== 0 ? "big" : "little" };
    case 3:
      return { class: "string", size, ...textForm(cursor, bits, 0) };
    case 4:
      return integer(cursor, "bitfield", bits, size);
    case 5:
      return { class: "opaque", size, tag: takeText(cursor, bits & 255) };
    case 6:
      return compound(cursor, version, bits & 0xffff, size, depth);
    case 7: {
      const kind = REFERENCES[bits & 15];
      if (kind === undefined) throw cursor.corrupt(`a reference of kind ${bits & 15}`, start);
      return { class: "reference", size, kind };
    }
    case 8:
      return enumeration(cursor, version, bits & 0xffff, size, depth);
    case 9: {
      const kind = bits & 15;
      const base = parse(cursor, depth + 1);
      if (kind === 0) return { class: "sequence", size, base };
      if (kind !== 1) throw cursor.corrupt(`a variable-length datatype of kind ${kind}`, start);
      return { class: "variable-string", size, ...textForm(cursor, bits, 4) };
    }
    case 10:
      return array(cursor, version, size, depth);
    case 11: {
      const base = parse(cursor, depth + 1);
      if (2 * base.size !== size) throw cursor.corrupt("a complex number that is no pair", start);
      return { class: "complex", size, base };
    }
    default:
      throw new MoraineError("UnsupportedDataType", `datatype class ${classAndVersion & 15}`, {
        source: cursor.source,
        offset: start,
      });
  }
}

function integer<Class extends "integer" | "bitfield">(
  cursor: Cursor,
  name: Class,
  bits: number,
  size: number,
): {
  class: Class;
  size: number;
  order: ByteOrder;
  signed: boolean;
  bitOffset: number;
  bitPrecision: number;
} {
  const bitOffset = cursor.u16();
  const bitPrecision = cursor.u16();
  if (bitPrecision === 0 || bitOffset + bitPrecision > 8 * size) {
    throw cursor.corrupt(`${bitPrecision} bits from bit ${bitOffset} on in ${size} bytes`);
  }
  return {
    class: name,
    size,
    order: (bits & 1) !== 0 ? "big" : "little",
    signed: false,
    bitOffset,
    bitPrecision,
  };
}

function float(cursor: Cursor, bits: number, size: number): Datatype {
  const bitOffset = cursor.u16();
  const bitPrecision = cursor.u16();
  const datatype: Datatype = {
    class: "float",
    size,
    order: (bits & 0x40) !== 0 ? "vax" : (bits & 1) !== 0 ? "big" : "little",
    bitOffset,
    bitPrecision,
    exponentLocation: cursor.u8(),
    exponentSize: cursor.u8(),
    mantissaLocation: cursor.u8(),
    mantissaSize: cursor.u8(),
    exponentBias: cursor.u32(),
    signLocation: (bits >> 8) & 255,
    normalization: (bits >> 4) & 3,
  };
  const { exponentLocation, exponentSize, mantissaLocation, mantissaSize, signLocation } = datatype;
  const end = 8 * size;
  if (
    bitOffset + bitPrecision > end ||
    exponentSize === 0 ||
    mantissaSize === 0 ||
    exponentLocation + exponentSize > end ||
    mantissaLocation + mantissaSize > end ||
    signLocation >= end
  ) {
    throw cursor.corrupt(`the parts of a floating-point number do not fit into ${size} bytes`);
  }
  return datatype;
}

function textForm(
  cursor: Cursor,
  bits: number,
  shift: 0 | 4,
): Pick<Extract<Datatype, { class: "string" }>, "padding" | "characterSet"> {
  const padding = PADDINGS[(bits >> shift) & 15];
  if (padding === undefined) throw cursor.corrupt(`strings of padding ${(bits >> shift) & 15}`);
  return { padding, characterSet: ((bits >> (shift + 4)) & 15) === 1 ? "utf-8" : "ascii" };
}

/** A name up to its NUL; before version 3 padded to a multiple of 8. */
function name(cursor: Cursor, version: number): string {
  const start = cursor.position;
  const text = terminatedText(cursor);
  if (version < 3) cursor.align(8, start);
  return text;
}

function compound(cursor: Cursor, version: number, count: number, size: number, depth: number): Datatype {
  // Version 3: as many bytes as the largest offset needs.
  const width = version < 3 ? 4 : size < 0x100 ? 1 : size < 0x10000 ? 2 : size < 0x1000000 ? 3 : 4;
  const members: CompoundMember[] = [];
  for (let i = 0; i < count; i++) {
    const memberName = name(cursor, version);
    const offset = cursor.uint(width);
    const shape = version === 1 ? oldMemberShape(cursor) : [];
    const datatype = arrayOf(cursor, parse(cursor, depth + 1), shape);
    if (offset + datatype.size > size)
      throw cursor.corrupt(`member "${memberName}" reaches beyond its compound`);
    members.push({ name: memberName, offset, datatype });
  }
  if (members.length === 0) throw cursor.corrupt("a compound datatype without members");
  return { class: "compound", size, members };
}

/** In version 1 the members themselves may be arrays. */
function oldMemberShape(cursor: Cursor): number[] {
  const rank = cursor.u8();
  cursor.skip(3 + 4 + 4);
  const shape = [cursor.u32(), cursor.u32(), cursor.u32(), cursor.u32()];
  if (rank > 4) throw cursor.corrupt(`a member of ${rank} dimensions`);
  return shape.slice(0, rank);
}

function arrayOf(cursor: Cursor, base: Datatype, shape: readonly number[]): Datatype {
  if (shape.length === 0) return base;
  const size = shape.reduce((product, length) => product * length, base.size);
  if (size === 0 || size > 0xffffffff) throw cursor.corrupt(`an array of ${shape.join(" x ")} elements`);
  return { class: "array", size, base, shape };
}

function enumeration(cursor: Cursor, version: number, count: number, size: number, depth: number): Datatype {
  const base = parse(cursor, depth + 1);
  if (base.size !== size) throw cursor.corrupt("an enumeration of another size than its base");
  const names: string[] = [];
  for (let i = 0; i < count; i++) names.push(name(cursor, version));
  return { class: "enumeration", size, base, names, values: cursor.take(count * base.size) };
}

function array(cursor: Cursor, version: number, size: number, depth: number): Datatype {
  const rank = cursor.u8();
  if (rank < 1 || rank > MAXIMUM_RANK) throw cursor.corrupt(`an array datatype of ${rank} dimensions`);
  // Some writers number it 1, though only version 2 has it.
  if (version < 3) cursor.skip(3);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.push(cursor.u32());
  if (version < 3) cursor.skip(4 * rank);
  const datatype = arrayOf(cursor, parse(cursor, depth + 1), shape);
  if (datatype.size !== size)
    throw cursor.corrupt(`an array datatype of ${size} bytes, ${datatype.size} are right`);
  return datatype;
}
