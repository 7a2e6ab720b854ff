/**
 * What numbers, strings and opaque bytes become in Zarr.
 *
 * @module
 */

import { type DataType, itemSize } from "../../../data-types/data-type.ts";
import type { Datatype } from "../datatype.ts";
import {
  type Convert,
  copyConvert,
  floatConvert,
  floatSize,
  integerConvert,
  integerSize,
  isPlainFloat,
  isPlainInteger,
} from "./number-conversion.ts";

/** Elements of a fixed number of bytes. */
export interface ElementForm {
  readonly dataType: DataType;
  /** Bytes of an element after conversion. */
  readonly size: number;
  /**
   * Byte order in which the stored bytes are already what `dataType` holds, `none` where no order matters;
   * undefined where they have to be converted.
   */
  readonly order: "little" | "big" | "none" | undefined;
  /** Why they have to be converted, in words. */
  readonly reason?: string | undefined;
  readonly convert: Convert;
}

function plain(dataType: DataType, order: ElementForm["order"]): ElementForm {
  const size = itemSize(dataType) ?? 0;
  const used = size === 1 ? "none" : order;
  return { dataType, size, order: used, convert: copyConvert(size, used === "big") };
}

export function rawForm(size: number): ElementForm {
  return plain({ name: "raw_bytes", lengthBytes: size }, "none");
}

/** NumPy's times, which h5py stores as opaque bytes of 8 with the type as their tag (`NUMPY:<M8[ns]`). */
export function timeForm({ size, tag }: Extract<Datatype, { class: "opaque" }>): ElementForm | undefined {
  const match = /^NUMPY:([<>])([Mm])8\[(\d*)(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]$/.exec(tag);
  if (!match || size !== 8) return undefined;
  const [, order, kind, scale, unit = "s"] = match;
  const name = kind === "M" ? "numpy.datetime64" : "numpy.timedelta64";
  return plain({ name, unit, scaleFactor: Number(scale || 1) }, order === "<" ? "little" : "big");
}

const SIGNED = { 1: "int8", 2: "int16", 4: "int32", 8: "int64" } as const;
const UNSIGNED = { 1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64" } as const;

function isWidth(size: number): size is 1 | 2 | 4 | 8 {
  return size === 1 || size === 2 || size === 4 || size === 8;
}

export function integerForm(datatype: Extract<Datatype, { class: "integer" | "bitfield" }>): ElementForm {
  const size = integerSize(datatype);
  if (size === undefined || !isWidth(size)) {
    const reversed = datatype.order === "big";
    return {
      ...rawForm(datatype.size),
      order: reversed ? undefined : "none",
      reason: `integers of ${datatype.size} bytes have no Zarr data type`,
      convert: copyConvert(datatype.size, reversed),
    };
  }
  const dataType: DataType = { name: (datatype.signed ? SIGNED : UNSIGNED)[size] };
  if (isPlainInteger(datatype)) return plain(dataType, datatype.order === "big" ? "big" : "little");
  return {
    dataType,
    size,
    order: undefined,
    reason: `integers of ${datatype.bitPrecision} bits in ${datatype.size} bytes`,
    convert: integerConvert(datatype, size),
  };
}

const FLOATS = { 2: "float16", 4: "float32", 8: "float64" } as const;

export function floatForm(datatype: Extract<Datatype, { class: "float" }>): ElementForm {
  if (isPlainFloat(datatype) && (datatype.size === 2 || datatype.size === 4 || datatype.size === 8)) {
    return plain({ name: FLOATS[datatype.size] }, datatype.order === "big" ? "big" : "little");
  }
  const size = floatSize(datatype);
  if (size === 2 || size === 4 || size === 8) {
    return {
      dataType: { name: FLOATS[size] },
      size,
      order: undefined,
      reason: `floating-point numbers of ${datatype.exponentSize} exponent and ${datatype.mantissaSize} mantissa bits`,
      convert: floatConvert(datatype, size),
    };
  }
  // Extended and quadruple precision: the bytes, for whoever can compute with them.
  if (datatype.exponentSize === 15 && datatype.mantissaSize === 64 && datatype.size < X87_SIZE) {
    return x87Form(datatype);
  }
  const reversed = datatype.order === "big";
  return {
    ...rawForm(datatype.size),
    order: reversed ? undefined : "none",
    reason: `floating-point numbers of ${datatype.size} bytes have no Zarr data type`,
    convert: copyConvert(datatype.size, reversed),
  };
}

/** Bytes of an extended number in the memory of today's machines; 32-bit ones had 12. */
const X87_SIZE = 16;

function x87Form(datatype: Extract<Datatype, { class: "float" }>): ElementForm {
  const copy = copyConvert(datatype.size, datatype.order === "big");
  return {
    ...rawForm(X87_SIZE),
    order: undefined,
    reason: `extended floating-point numbers of ${datatype.size} bytes have no Zarr data type`,
    convert: (stored, from, stride, count, target, to, targetStride) => {
      copy(stored, from, stride, count, target, to, targetStride);
    },
  };
}

/**
 * Fixed strings. HDF5's null-terminated ones may have anything behind their end, and space-padded ones end before
 * the padding: both are cleaned as the library does.
 */
export function stringForm(datatype: Extract<Datatype, { class: "string" }>): ElementForm {
  const { size, padding } = datatype;
  const form = plain({ name: "null_terminated_bytes", lengthBytes: size }, "none");
  if (padding === "null-padded" || (padding === "null-terminated" && size === 1)) return form;
  const terminated = padding === "null-terminated";
  return {
    ...form,
    order: undefined,
    reason: `${padding} strings`,
    convert: (stored, from, stride, count, target, to, targetStride) => {
      for (let i = 0; i < count; i++, from += stride, to += targetStride) {
        const bytes = stored.subarray(from, from + size);
        let end = terminated ? bytes.indexOf(0) : size;
        if (end < 0) end = size;
        if (!terminated) while (end > 0 && bytes[end - 1] === 0x20) end--;
        target.set(bytes.subarray(0, end), to);
        target.fill(0, to + end, to + size);
      }
    },
  };
}
