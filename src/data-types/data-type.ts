/**
 * The data types of Zarr v3 (core and registered extensions) as validated values.
 *
 * @module
 */

/** Types whose name is all there is to say. Sizes in {@link itemSize}. */
export type SimpleName =
  | "bool"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint8"
  | "uint16"
  | "uint32"
  | "uint64"
  | "float16"
  | "bfloat16"
  | "float32"
  | "float64"
  | "complex64"
  | "complex128";

/** A data type. Byte order is never part of it: in memory every value is little-endian. */
export type DataType =
  | { readonly name: SimpleName }
  /** UTF-32 of a fixed number of bytes (a multiple of 4), padded with NUL: NumPy `U`. */
  | { readonly name: "fixed_length_utf32"; readonly lengthBytes: number }
  /** Bytes of a fixed number, trailing NULs not part of the value: NumPy `S`. */
  | { readonly name: "null_terminated_bytes"; readonly lengthBytes: number }
  /** Opaque bytes of a fixed number: NumPy `V`, `r<bits>` of the specification. */
  | { readonly name: "raw_bytes"; readonly lengthBytes: number }
  | {
      readonly name: "numpy.datetime64" | "numpy.timedelta64";
      readonly unit: string;
      readonly scaleFactor: number;
    }
  | { readonly name: "string" }
  | { readonly name: "variable_length_bytes" }
  /** Records, packed without padding. */
  | { readonly name: "struct"; readonly fields: readonly StructField[] };

export interface StructField {
  readonly name: string;
  readonly dataType: DataType;
}

const SIMPLE_SIZES: { readonly [name in SimpleName]: number } = {
  bool: 1,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  float64: 8,
  complex64: 8,
  complex128: 16,
};

/** Bytes of one value in memory, or undefined for the types of variable length. */
export function itemSize(dataType: DataType): number | undefined {
  switch (dataType.name) {
    case "fixed_length_utf32":
    case "null_terminated_bytes":
    case "raw_bytes":
      return dataType.lengthBytes;
    case "numpy.datetime64":
    case "numpy.timedelta64":
      return 8;
    case "string":
    case "variable_length_bytes":
      return undefined;
    case "struct": {
      let total = 0;
      for (const field of dataType.fields) {
        const size = itemSize(field.dataType);
        if (size === undefined) return undefined;
        total += size;
      }
      return total;
    }
    default:
      return SIMPLE_SIZES[dataType.name];
  }
}
