/**
 * What the elements of a datatype become in Zarr, and how their stored bytes get there.
 *
 * Most stored bytes are what Zarr's `bytes` codec makes of the values, in one byte order. The others are
 * converted: packed without padding, little-endian.
 *
 * @module
 */

import { type DataType, itemSize, type StructField } from "../../../data-types/data-type.ts";
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

/** Undefined for datatypes whose values lie elsewhere in the file or name something in it. */
export function elementForm(datatype: Datatype): ElementForm | undefined {
  return formOf(datatype, false);
}

/** @param inArray whether it is an array's element: then nothing but bytes is said of it, and it keeps its padding */
function formOf(datatype: Datatype, inArray: boolean): ElementForm | undefined {
  switch (datatype.class) {
    case "integer":
    case "bitfield":
      return integerForm(datatype);
    case "float":
      return floatForm(datatype);
    case "complex":
      return complexForm(elementForm(datatype.base), elementForm(datatype.base));
    case "string":
      return stringForm(datatype);
    case "opaque":
      return timeForm(datatype) ?? rawForm(datatype.size);
    case "enumeration":
      return enumerationForm(datatype);
    case "compound":
      return inArray ? paddedForm(datatype) : compoundForm(datatype);
    case "array":
      return arrayForm(datatype);
    case "time":
      return { ...rawForm(datatype.size), order: datatype.order === "little" ? "none" : undefined };
    default:
      return undefined;
  }
}

function plain(dataType: DataType, order: ElementForm["order"]): ElementForm {
  const size = itemSize(dataType) ?? 0;
  const used = size === 1 ? "none" : order;
  return { dataType, size, order: used, convert: copyConvert(size, used === "big") };
}

function rawForm(size: number): ElementForm {
  return plain({ name: "raw_bytes", lengthBytes: size }, "none");
}

/** NumPy's times, which h5py stores as opaque bytes of 8 with the type as their tag (`NUMPY:<M8[ns]`). */
function timeForm({ size, tag }: Extract<Datatype, { class: "opaque" }>): ElementForm | undefined {
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

function integerForm(datatype: Extract<Datatype, { class: "integer" | "bitfield" }>): ElementForm {
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

function floatForm(datatype: Extract<Datatype, { class: "float" }>): ElementForm {
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

function complexForm(
  real: ElementForm | undefined,
  imaginary: ElementForm | undefined,
): ElementForm | undefined {
  if (!real || !imaginary) return undefined;
  const name = real.dataType.name;
  const dataType: DataType =
    name === "float32"
      ? { name: "complex64" }
      : name === "float64"
        ? { name: "complex128" }
        : { name: "raw_bytes", lengthBytes: 2 * real.size };
  return {
    dataType,
    size: 2 * real.size,
    order: dataType.name === "raw_bytes" && real.order === "big" ? undefined : real.order,
    reason: real.reason,
    convert: (stored, from, stride, count, target, to, targetStride) => {
      const half = real.size;
      real.convert(stored, from, stride, count, target, to, targetStride);
      imaginary.convert(stored, from + half, stride, count, target, to + half, targetStride);
    },
  };
}

/**
 * Fixed strings. HDF5's null-terminated ones may have anything behind their end, and space-padded ones end before
 * the padding: both are cleaned as the library does.
 */
function stringForm(datatype: Extract<Datatype, { class: "string" }>): ElementForm {
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

function enumerationForm(datatype: Extract<Datatype, { class: "enumeration" }>): ElementForm | undefined {
  const form = elementForm(datatype.base);
  const { names, values } = datatype;
  const boolean =
    form?.size === 1 &&
    names.length === 2 &&
    values[names.indexOf("FALSE")] === 0 &&
    values[names.indexOf("TRUE")] === 1;
  return form && boolean ? { ...form, dataType: { name: "bool" } } : form;
}

/** A compound of two floats `r` and `i` is what h5py and netCDF4 make of complex numbers. */
function isComplexPair(
  datatype: Extract<Datatype, { class: "compound" }>,
  forms: readonly ElementForm[],
): boolean {
  const [real, imaginary] = datatype.members;
  const [first, second] = forms;
  return (
    datatype.members.length === 2 &&
    real?.name === "r" &&
    imaginary?.name === "i" &&
    (first?.dataType.name === "float32" || first?.dataType.name === "float64") &&
    first.dataType.name === second?.dataType.name &&
    first.order === second.order &&
    first.order !== undefined &&
    real.offset === 0 &&
    imaginary.offset === first.size &&
    datatype.size === 2 * first.size
  );
}

function compoundForm(datatype: Extract<Datatype, { class: "compound" }>): ElementForm | undefined {
  const forms: ElementForm[] = [];
  for (const member of datatype.members) {
    const form = elementForm(member.datatype);
    if (!form) return undefined;
    forms.push(form);
  }
  if (isComplexPair(datatype, forms)) return complexForm(forms[0], forms[1]);
  const fields: StructField[] = [];
  const offsets: number[] = [];
  let size = 0;
  let packed = true;
  let reason: string | undefined;
  const orders = new Set<ElementForm["order"]>();
  for (const [i, form] of forms.entries()) {
    const member = datatype.members[i];
    fields.push({ name: member?.name ?? "", dataType: form.dataType });
    if (member?.offset !== size || member.datatype.size !== form.size) packed = false;
    offsets.push(size);
    size += form.size;
    if (form.order !== "none") orders.add(form.order);
    reason ??=
      form.order === undefined && form.reason ? `member "${member?.name}": ${form.reason}` : undefined;
  }
  if (size !== datatype.size) packed = false;
  if (!packed) reason ??= "a compound datatype with padding between its members";
  else if (orders.size > 1) reason ??= "a compound datatype of several byte orders";
  const order = orders.size === 0 ? "none" : [...orders][0];
  return {
    dataType: { name: "struct", fields },
    size,
    order: packed && orders.size <= 1 ? order : undefined,
    reason,
    convert: (stored, from, stride, count, target, to, targetStride) => {
      for (const [i, form] of forms.entries()) {
        const start = from + (datatype.members[i]?.offset ?? 0);
        form.convert(stored, start, stride, count, target, to + (offsets[i] ?? 0), targetStride);
      }
    },
  };
}

/** Each member at its place, little-endian; what lies between them is copied where nothing has to be converted. */
function paddedForm(datatype: Extract<Datatype, { class: "compound" }>): ElementForm | undefined {
  const forms: ElementForm[] = [];
  for (const member of datatype.members) {
    const form = formOf(member.datatype, true);
    if (!form || form.size !== member.datatype.size) return compoundForm(datatype);
    forms.push(form);
  }
  if (forms.every(({ order }) => order === "little" || order === "none")) return rawForm(datatype.size);
  return {
    ...rawForm(datatype.size),
    order: undefined,
    reason: "a compound datatype of another byte order",
    convert: (stored, from, stride, count, target, to, targetStride) => {
      for (const [i, form] of forms.entries()) {
        const at = datatype.members[i]?.offset ?? 0;
        form.convert(stored, from + at, stride, count, target, to + at, targetStride);
      }
    },
  };
}

/** Zarr has no array members: the elements one after another, little-endian, as bytes. */
function arrayForm(datatype: Extract<Datatype, { class: "array" }>): ElementForm | undefined {
  const base = formOf(datatype.base, true);
  if (!base) return undefined;
  const length = datatype.shape.reduce((product, count) => product * count, 1);
  const size = length * base.size;
  const direct = base.order === "little" || base.order === "none";
  return {
    dataType: { name: "raw_bytes", lengthBytes: size },
    size,
    order: direct ? "none" : undefined,
    reason: direct ? undefined : (base.reason ?? "arrays of big-endian elements"),
    convert: (stored, from, stride, count, target, to, targetStride) => {
      for (let i = 0; i < count; i++, from += stride, to += targetStride) {
        base.convert(stored, from, datatype.base.size, length, target, to, base.size);
      }
    },
  };
}
