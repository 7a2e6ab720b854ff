/**
 * NumPy's `.npy` format, version 1.0 (numpy.lib.format).
 *
 * @module
 */

import type { DataType } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";

const DESCRIPTORS: Readonly<Record<string, string>> = {
  bool: "|b1",
  int8: "|i1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  uint16: "<u2",
  uint32: "<u4",
  uint64: "<u8",
  float16: "<f2",
  float32: "<f4",
  float64: "<f8",
  complex64: "<c8",
  complex128: "<c16",
};

/** The array as a `.npy` file. `bytes`: elements in C order, little-endian. */
export function encodeNpy(dataType: DataType, shape: readonly number[], bytes: Uint8Array): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const header = `{'descr': ${descriptor(dataType)}, 'fortran_order': False, 'shape': ${tuple}, }`;
  const text = new TextEncoder().encode(header);
  // Magic, version and length take 10 bytes; values begin at a multiple of 64, after a line feed.
  const start = Math.ceil((10 + text.length + 1) / 64) * 64;
  if (start - 10 > 0xffff) {
    throw new MoraineError("LimitExceeded", "the data type is too long for the .npy format, version 1.0");
  }
  const file = new Uint8Array(start + bytes.length).fill(0x20, 0, start);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, (start - 10) & 0xff, (start - 10) >> 8]);
  file.set(text, 10);
  file[start - 1] = 0x0a;
  file.set(bytes, start);
  return file;
}

/** The `descr` of a type as a Python literal. */
function descriptor(dataType: DataType): string {
  switch (dataType.name) {
    case "struct":
      return `[${dataType.fields
        .map((field) => `(${pythonString(field.name)}, ${descriptor(field.dataType)})`)
        .join(", ")}]`;
    case "fixed_length_utf32":
      return `'<U${dataType.lengthBytes / 4}'`;
    case "null_terminated_bytes":
      return `'|S${dataType.lengthBytes}'`;
    case "raw_bytes":
      return `'|V${dataType.lengthBytes}'`;
    case "numpy.datetime64":
    case "numpy.timedelta64": {
      const letter = dataType.name === "numpy.datetime64" ? "M" : "m";
      const scale = dataType.scaleFactor === 1 ? "" : dataType.scaleFactor;
      return dataType.unit === "generic" ? `'<${letter}8'` : `'<${letter}8[${scale}${dataType.unit}]'`;
    }
    default: {
      const name = DESCRIPTORS[dataType.name];
      if (name === undefined) {
        throw new MoraineError("UnsupportedDataType", `the .npy format has no data type ${dataType.name}`);
      }
      return `'${name}'`;
    }
  }
}

function pythonString(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  return `'${escaped.replace(/[^\x20-\x7e]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff
      ? `\\U${code.toString(16).padStart(8, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  })}'`;
}
