/**
 * Values of the language as elements of an array: checked, never changed without a word.
 *
 * @module
 */

import { type DataType, itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { ReadonlyElements } from "../read/strided-copy.ts";
import { packElement, refuse, variableElement } from "./packed-element.ts";

/** One element: a record is an object of its fields' values. */
export type ElementValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | { readonly [field: string]: ElementValue };

/** Many elements, one after another in C order. Complex numbers are two neighbours: real, imaginary. */
export type ElementList =
  | ArrayLike<number>
  | ArrayLike<bigint>
  | ArrayLike<boolean>
  | ArrayLike<string>
  | readonly Uint8Array[]
  | readonly { readonly [field: string]: ElementValue }[];

/** Elements with their shape, as `get` gives them; `stride` in elements, C order where it is absent. */
export interface ChunkValues {
  readonly data: ElementList;
  readonly shape: readonly number[];
  readonly stride?: readonly number[] | undefined;
}

/** What can be written: one value for all elements, or one for each. */
export type ArrayValues = ElementValue | ElementList | ChunkValues;

/** Values as they are held in memory, see `ChunkData`. */
export interface PackedValues {
  readonly elements: ReadonlyElements;
  /** One element, which stands for all. */
  readonly repeat: boolean;
  /** Where the values have one. */
  readonly shape?: readonly number[] | undefined;
}

/**
 * Packs values for a data type. Floats are rounded to the type's precision; everything else must fit exactly.
 *
 * Errors: `InvalidArgument`.
 */
export function packValues(values: ArrayValues, dataType: DataType): PackedValues {
  if (isChunk(values)) {
    const { data, shape, stride } = values;
    const packed = packList(data, dataType);
    const count = shape.reduce((product, length) => product * length, 1);
    const isPlain = stride === undefined || sameStride(stride, shape);
    const found = packed instanceof Uint8Array ? packed.length / (itemSize(dataType) || 1) : packed.length;
    if (isPlain && found < count) {
      throw new MoraineError("InvalidArgument", `${found} values cannot have the shape ${shape.join(" x ")}`);
    }
    return { elements: isPlain ? packed : inOrder(packed, shape, stride, dataType), repeat: false, shape };
  }
  if (isScalar(values, dataType)) return { elements: packScalar(values, dataType), repeat: true };
  return { elements: packList(values, dataType), repeat: false };
}

function isChunk(values: ArrayValues): values is ChunkValues {
  return (
    typeof values === "object" &&
    values !== null &&
    "data" in values &&
    typeof values.data === "object" &&
    values.data !== null &&
    "shape" in values &&
    Array.isArray(values.shape)
  );
}

function isScalar(values: ElementValue | ElementList, dataType: DataType): values is ElementValue {
  if (typeof values !== "object" || values === null) return true;
  if (Array.isArray(values)) return false;
  if (values instanceof Uint8Array) return isBytes(dataType);
  return dataType.name === "struct";
}

/** Whether one element is bytes. */
function isBytes({ name }: DataType): boolean {
  return name === "raw_bytes" || name === "null_terminated_bytes" || name === "variable_length_bytes";
}

function packScalar(value: ElementValue, dataType: DataType): ReadonlyElements {
  if (dataType.name === "string" || dataType.name === "variable_length_bytes") {
    return [variableElement(value, dataType)];
  }
  const bytes = new Uint8Array(itemSize(dataType) ?? 0);
  packElement(value, dataType, new DataView(bytes.buffer), 0);
  return bytes;
}

function packList(list: ElementList, dataType: DataType): ReadonlyElements {
  const { length } = list;
  if (dataType.name === "string" || dataType.name === "variable_length_bytes") {
    const values: ArrayLike<unknown> = list;
    return Array.from(values, (value) => variableElement(value, dataType));
  }
  const same = MEMORY[dataType.name];
  if (same && ArrayBuffer.isView(list) && list instanceof same) {
    if (dataType.name === "bool") checkBooleans(list);
    return new Uint8Array(list.buffer, list.byteOffset, list.byteLength);
  }
  const part = PARTS[dataType.name];
  const itemType: DataType = part ? { name: part } : dataType;
  if (part && length % 2 === 1) {
    throw new MoraineError("InvalidArgument", `${length} numbers are no pairs for ${dataType.name}`);
  }
  const size = itemSize(itemType) ?? 0;
  const bytes = new Uint8Array(length * size);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < length; at++) packElement(list[at], itemType, view, at * size);
  return bytes;
}

/** The typed arrays whose memory is the elements'. */
const MEMORY: { readonly [name: string]: (new (...args: never[]) => ArrayBufferView) | undefined } = {
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
  complex128: Float64Array,
  "numpy.datetime64": BigInt64Array,
  "numpy.timedelta64": BigInt64Array,
};

const PARTS: { readonly [name: string]: "float32" | "float64" | undefined } = {
  complex64: "float32",
  complex128: "float64",
};

function checkBooleans(view: ArrayBufferView): void {
  for (const byte of new Uint8Array(view.buffer, view.byteOffset, view.byteLength)) {
    if (byte > 1) throw refuse(byte, { name: "bool" });
  }
}

function sameStride(stride: readonly number[], shape: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if ((shape[axis] ?? 0) > 1 && stride[axis] !== expected) return false;
    expected *= shape[axis] ?? 1;
  }
  return stride.length === shape.length;
}

/** Elements that lie in memory with other strides, in C order. */
function inOrder(
  elements: ReadonlyElements,
  shape: readonly number[],
  stride: readonly number[],
  dataType: DataType,
): ReadonlyElements {
  const count = shape.reduce((product, length) => product * length, 1);
  const size = elements instanceof Uint8Array ? (itemSize(dataType) ?? 1) : 1;
  const sources = new Array<number>(count);
  for (let at = 0; at < count; at++) {
    let rest = at;
    let source = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 1;
      source += (rest % length) * (stride[axis] ?? 0);
      rest = Math.floor(rest / length);
    }
    if (!Number.isInteger(source) || source < 0 || (source + 1) * size > elements.length) {
      throw new MoraineError("InvalidArgument", `strides ${stride.join()} lead outside of the values`);
    }
    sources[at] = source;
  }
  if (!(elements instanceof Uint8Array)) return sources.map((source) => elements[source]);
  const ordered = new Uint8Array(count * size);
  sources.forEach((source, at) => {
    ordered.set(elements.subarray(source * size, (source + 1) * size), at * size);
  });
  return ordered;
}
