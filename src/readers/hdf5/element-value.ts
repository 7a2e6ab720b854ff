/**
 * Elements as JSON values, for attributes and for what Zarr has no numbers for: strings stay text, references
 * become paths, sequences and array members lists, compounds objects.
 *
 * @module
 */

import { encodeBase64 } from "../../binary/base64.ts";
import type { JsonValue } from "../../binary/json.ts";
import type { DataType } from "../../data-types/data-type.ts";
import { float16ToNumber } from "../../data-types/floats.ts";
import { MoraineError } from "../../errors.ts";
import type { Datatype } from "./datatype.ts";
import { elementForm } from "./decoding/element-form.ts";
import type { HeapObjects } from "./heap-objects.ts";
import { referencedPath } from "./reference.ts";
import { decodeText, unpadded, untilNul } from "./text.ts";

/** What elements can point to. */
export interface ElementContext {
  /** Loaded before with what the elements point to. */
  readonly heap: HeapObjects;
  /** Path of the object whose header is at an address; undefined where no link leads to it. */
  pathOf(address: number): string | undefined;
  /** Leave the blanks that pad strings, as netCDF-C does with attributes. */
  readonly keepBlanks?: boolean;
  /** Within a sequence: how many more elements the whole may have. */
  readonly budget?: { left: number };
}

/** Makes the values of the elements of a datatype. */
export type ElementReader = (bytes: Uint8Array, at: number) => JsonValue;

/**
 * @throws on reading `CorruptFile` where an element points to nothing that there is, `LimitExceeded` where sequences in
 *   sequences have more elements than the file has bytes: those that contain themselves
 */
export function elementReader(datatype: Datatype, context: ElementContext): ElementReader {
  const { heap } = context;
  switch (datatype.class) {
    case "string": {
      const { size } = datatype;
      const isPadded = datatype.padding === "space-padded" && context.keepBlanks;
      const padding = isPadded ? "null-terminated" : datatype.padding;
      return (bytes, at) => decodeText(unpadded(bytes.subarray(at, at + size), padding));
    }
    case "variable-string":
      return (bytes, at) => {
        const pointer = heap.pointer(bytes, at);
        return pointer ? decodeText(untilNul(heap.object(pointer).subarray(0, pointer.length))) : "";
      };
    case "sequence": {
      const { base } = datatype;
      const { size, source } = heap.file.metadata;
      const budget = context.budget ?? { left: 0 };
      const read = elementReader(base, { ...context, budget });
      return (bytes, at) => {
        if (!context.budget) budget.left = size;
        const pointer = heap.pointer(bytes, at);
        if (!pointer) return [];
        budget.left -= pointer.length;
        if (budget.left < 0) {
          throw new MoraineError("LimitExceeded", "sequences within themselves", { source });
        }
        const object = heap.object(pointer);
        if (pointer.length * base.size > object.length) {
          throw new MoraineError("CorruptFile", "a sequence is longer than its object in the global heap", {
            source,
          });
        }
        return Array.from({ length: pointer.length }, (_, i) => read(object, i * base.size));
      };
    }
    case "array": {
      const { base, shape } = datatype;
      const read = elementReader(base, context);
      return (bytes, at) => nested(shape, (index) => read(bytes, at + index * base.size));
    }
    case "compound": {
      if (elementForm(datatype)?.dataType.name.startsWith("complex")) return simpleReader(datatype);
      const members = datatype.members.map(({ name, offset, datatype: member }) => {
        return { name, offset, read: elementReader(member, context) };
      });
      return (bytes, at) =>
        Object.fromEntries(members.map(({ name, offset, read }) => [name, read(bytes, at + offset)]));
    }
    case "reference":
      return (bytes, at) => referencedPath(datatype, bytes, at, context) ?? "";
    default:
      return simpleReader(datatype);
  }
}

/** Lists in lists, by a function of the C-order index. */
function nested(shape: readonly number[], value: (index: number) => JsonValue): JsonValue {
  let next = 0;
  const list = (axis: number): JsonValue => {
    if (axis === shape.length) return value(next++);
    return Array.from({ length: shape[axis] ?? 0 }, () => list(axis + 1));
  };
  return list(0);
}

/** Reads numbers; undefined for other datatypes. */
export function integerReader(datatype: Datatype): ElementReader | undefined {
  return datatype.class === "integer" || datatype.class === "bitfield" ? simpleReader(datatype) : undefined;
}

function simpleReader(datatype: Datatype): ElementReader {
  const form = elementForm(datatype);
  if (!form) {
    throw new MoraineError("UnsupportedDataType", `values of the datatype class "${datatype.class}"`);
  }
  const element = new Uint8Array(form.size);
  const view = new DataView(element.buffer);
  const read = simpleValue(form.dataType, element, view);
  return (bytes, at) => {
    form.convert(bytes, at, datatype.size, 1, element, 0, form.size);
    return read();
  };
}

function exact(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Reads the little-endian element in `view`. */
function simpleValue({ name }: DataType, element: Uint8Array, view: DataView): () => JsonValue {
  switch (name) {
    case "bool":
      return () => element[0] !== 0;
    case "int8":
      return () => view.getInt8(0);
    case "int16":
      return () => view.getInt16(0, true);
    case "int32":
      return () => view.getInt32(0, true);
    case "int64":
      return () => exact(view.getBigInt64(0, true));
    case "uint8":
      return () => view.getUint8(0);
    case "uint16":
      return () => view.getUint16(0, true);
    case "uint32":
      return () => view.getUint32(0, true);
    case "uint64":
      return () => exact(view.getBigUint64(0, true));
    case "float16":
      return () => float16ToNumber(view.getUint16(0, true));
    case "float32":
      return () => view.getFloat32(0, true);
    case "float64":
      return () => view.getFloat64(0, true);
    case "complex64":
      return () => [view.getFloat32(0, true), view.getFloat32(4, true)];
    case "complex128":
      return () => [view.getFloat64(0, true), view.getFloat64(8, true)];
    default:
      return () => encodeBase64(element);
  }
}
