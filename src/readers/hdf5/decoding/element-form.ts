/**
 * What the elements of a datatype become in Zarr, and how their stored bytes get there.
 *
 * Most stored bytes are what Zarr's `bytes` codec makes of the values, in one byte order. The others are
 * converted: packed without padding, little-endian.
 *
 * @module
 */

import type { DataType, StructField } from "../../../data-types/data-type.ts";
import type { Datatype } from "../datatype.ts";
import { type ElementForm, floatForm, integerForm, rawForm, stringForm, timeForm } from "./simple-form.ts";

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
