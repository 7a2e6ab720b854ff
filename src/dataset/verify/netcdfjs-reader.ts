/**
 * NetCDF classic files as netcdfjs reads them.
 *
 * @module
 */

import { type IndependentReader, NotComparable } from "./independent-reader.ts";

type Reader = InstanceType<typeof import("netcdfjs")["NetCDFReader"]>;
type Variable = Reader["variables"][number];

/** Bytes of an element, and how it is put into little-endian bytes. `char` is given as text cut at its end. */
const TYPES: Readonly<
  Record<string, readonly [size: number, put: (view: DataView, at: number, value: number) => void]>
> = {
  byte: [1, (view, at, value) => view.setUint8(at, value & 0xff)],
  short: [2, (view, at, value) => view.setInt16(at, value, true)],
  int: [4, (view, at, value) => view.setInt32(at, value, true)],
  float: [4, (view, at, value) => view.setFloat32(at, value, true)],
  double: [8, (view, at, value) => view.setFloat64(at, value, true)],
};

/** Opens a file that is held whole. Errors: {@link NotComparable} for CDF-5, which netcdfjs does not know. */
export async function openWithNetcdfjs(bytes: Uint8Array): Promise<IndependentReader> {
  const { NetCDFReader } = await import("netcdfjs");
  let reader: Reader;
  try {
    reader = new NetCDFReader(bytes);
  } catch (error) {
    throw new NotComparable(`netcdfjs: ${error instanceof Error ? error.message : String(error)}`);
  }
  const values = new Map<string, readonly unknown[]>();
  return {
    name: "netcdfjs",
    read(path, start, shape) {
      const name = path.slice(1);
      const variable = reader.variables.find((candidate) => candidate.name === name);
      if (variable === undefined) throw new NotComparable(`netcdfjs has no variable ${name}`);
      let flat = values.get(name);
      if (flat === undefined) {
        flat = flatten(reader, variable, bytes.length);
        values.set(name, flat);
      }
      return boxOf(flat, variable, lengthsOf(reader, variable), start, shape);
    },
    close: () => values.clear(),
  };
}

function lengthsOf(reader: Reader, variable: Variable): number[] {
  return variable.dimensions.map((index) => {
    const isRecord = index === reader.recordDimension.id;
    return isRecord ? reader.recordDimension.length : (reader.dimensions[index]?.size ?? 0);
  });
}

/** All elements in C order. Sizes in the header are padded to four bytes, which netcdfjs takes for elements. */
function flatten(reader: Reader, variable: Variable, fileSize: number): readonly unknown[] {
  const [size] = TYPES[variable.type] ?? [];
  if (size === undefined) throw new NotComparable(`netcdfjs gives no values of type ${variable.type}`);
  const lengths = lengthsOf(reader, variable);
  const inner = lengths.slice(variable.record ? 1 : 0).reduce((product, length) => product * length, 1);
  // Of a file that was written as a stream it takes the mark for a number of records, and begins to make them.
  if (lengths.reduce((product, length) => product * length, size) > fileSize)
    throw new NotComparable("netcdfjs finds more values here than the file has bytes for");
  const lone = reader.variables.filter((other) => other.record).length === 1;
  if (variable.record && lone && (inner * size) % 4 !== 0) {
    throw new NotComparable("netcdfjs pads the records of a single record variable");
  }
  const data: readonly unknown[] = reader.getDataVariable(variable);
  if (!variable.record) return data.slice(0, inner);
  return data.flatMap((row): readonly unknown[] => (Array.isArray(row) ? row.slice(0, inner) : [row]));
}

function boxOf(
  flat: readonly unknown[],
  variable: Variable,
  lengths: readonly number[],
  start: readonly number[],
  shape: readonly number[],
): Uint8Array {
  const [size = 1, put] = TYPES[variable.type] ?? [];
  const count = shape.reduce((product, length) => product * length, 1);
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  for (let element = 0; element < count; element++) {
    let rest = element;
    let position = 0;
    let stride = 1;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 1;
      position += ((rest % length) + (start[axis] ?? 0)) * stride;
      rest = Math.floor(rest / length);
      stride *= lengths[axis] ?? 1;
    }
    put?.(view, element * size, Number(flat[position]));
  }
  return bytes;
}
