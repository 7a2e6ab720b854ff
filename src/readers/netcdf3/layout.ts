/**
 * Where the values of each variable lie (NetCDF file format specifications, "notes on computing file offsets"):
 * fixed variables one after another, then records, each of which holds a slice of every record variable.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Header, Variable } from "./header.ts";

/** The place of one variable. */
export interface VariableLayout {
  readonly variable: Variable;
  readonly shape: readonly number[];
  /** Whether the first dimension counts records. */
  readonly isRecord: boolean;
  /** Bytes of the values: all of a fixed variable, those of one record of a record variable. */
  readonly size: number;
  /** Why the values cannot be had, though the rest of the file can. */
  readonly fault?: MoraineError | undefined;
  /** Nothing was written yet: the file ends with its header. The library reads zeros. */
  readonly unwritten: boolean;
}

export interface Layout {
  readonly recordCount: number;
  /** Bytes from a record to the next. */
  readonly recordSize: number;
  readonly variables: readonly VariableLayout[];
}

/** Sizes of one variable before it is known where the records are. */
interface Extent {
  readonly variable: Variable;
  readonly shape: readonly number[];
  readonly isRecord: boolean;
  readonly size: number;
  /** With the padding to a multiple of 4. */
  readonly paddedSize: number;
}

/**
 * Computes the layout from the shapes; the sizes that the header gives are not believed.
 *
 * Errors: `CorruptFile` where the library refuses the file too: a dimension that does not exist, a record
 * dimension that is not the first, sizes beyond the limits of the version, variables that overlap.
 *
 * @param fileSize bytes
 */
export function computeLayout(header: Header, source: string, fileSize: number): Layout {
  const corrupt = (message: string, offset: number) =>
    new MoraineError("CorruptFile", message, { source, offset });
  const recordDimension = header.dimensions.findIndex(({ length }) => length === 0);
  const extents = header.variables.map((variable) => extentOf(header, variable, recordDimension, corrupt));
  checkNames(header, corrupt);
  checkSizes(header, extents, corrupt);

  const records = extents.filter((extent) => extent.isRecord);
  const fixed = extents.filter((extent) => !extent.isRecord);
  // A single record variable is not padded: its records follow each other without a gap.
  const recordSize =
    records.length === 1
      ? (records[0]?.size ?? 0)
      : records.reduce((total, { paddedSize }) => total + paddedSize, 0);
  const firstRecord = records.reduce((least, { variable }) => Math.min(least, variable.begin), Infinity);
  for (const { variable, size } of extents) {
    if (variable.begin < header.size) {
      throw corrupt(`"${variable.name}" begins inside of the header`, variable.entryOffset);
    }
    if (!Number.isSafeInteger(variable.begin + size)) {
      throw corrupt(`"${variable.name}" ends beyond 2^53`, variable.entryOffset);
    }
  }
  checkOverlap(fixed, firstRecord, corrupt);
  checkOverlap(records, firstRecord + recordSize, corrupt);
  if (records.length > 1) checkPadding(records, source);

  const lastOfRecord = records.reduce(
    (most, { variable, size }) => Math.max(most, variable.begin + size - firstRecord),
    0,
  );
  // The padding of the last record may be missing from the file.
  const streamed = Math.floor((fileSize - firstRecord + recordSize - lastOfRecord) / recordSize);
  const recordCount = records.length === 0 ? 0 : (header.recordCount ?? Math.max(streamed, 0));
  const firstByte = extents.reduce((least, { variable }) => Math.min(least, variable.begin), Infinity);
  const unwritten = fileSize <= firstByte;
  return {
    recordCount,
    recordSize,
    variables: extents.map(({ variable, shape, isRecord, size }): VariableLayout => {
      const end = isRecord
        ? recordCount === 0
          ? 0
          : variable.begin + (recordCount - 1) * recordSize + size
        : variable.begin + size;
      return {
        variable,
        shape: isRecord ? [recordCount, ...shape.slice(1)] : shape,
        isRecord,
        size,
        unwritten: unwritten && !isRecord,
        fault:
          end <= fileSize || (unwritten && !isRecord)
            ? undefined
            : new MoraineError("TruncatedFile", `its values end at byte ${end}, the file at ${fileSize}`, {
                source,
                path: `/${variable.name}`,
                offset: variable.begin,
              }),
      };
    }),
  };
}

type Corrupt = (message: string, offset: number) => MoraineError;

function extentOf(header: Header, variable: Variable, recordDimension: number, corrupt: Corrupt): Extent {
  const { name, type, entryOffset } = variable;
  const shape = variable.dimensions.map((index, axis) => {
    const dimension = header.dimensions[index];
    if (dimension === undefined) {
      throw corrupt(`"${name}" has dimension ${index} of ${header.dimensions.length}`, entryOffset);
    }
    if (dimension.length === 0 && axis > 0) {
      throw corrupt(`the record dimension is not the first of "${name}"`, entryOffset);
    }
    if (dimension.length === 0 && index !== recordDimension) {
      throw corrupt(`"${name}" has a second unlimited dimension, "${dimension.name}"`, entryOffset);
    }
    return dimension.length;
  });
  const isRecord = shape[0] === 0;
  const size = (isRecord ? shape.slice(1) : shape).reduce((product, length) => product * length, type.size);
  if (!Number.isSafeInteger(size)) throw corrupt(`"${name}" has more bytes than 2^53`, entryOffset);
  return { variable, shape, isRecord, size, paddedSize: size + ((4 - (size % 4)) % 4) };
}

function checkNames(header: Header, corrupt: Corrupt): void {
  const names = new Set<string>();
  for (const { name, entryOffset } of header.variables) {
    if (names.has(name)) throw corrupt(`there are two variables "${name}"`, entryOffset);
    names.add(name);
  }
}

/**
 * Only the last fixed variable, where there are no record variables, or else the last record variable, may be
 * larger than the 32 bits of its size can say; in CDF-5 none is that large.
 */
function checkSizes(header: Header, extents: readonly Extent[], corrupt: Corrupt): void {
  if (header.version === 5) return;
  const maximum = header.version === 1 ? 2 ** 31 - 4 : 2 ** 32 - 4;
  const hasRecords = extents.some(({ isRecord }) => isRecord);
  for (const group of [false, true]) {
    const members = extents.filter(({ isRecord }) => isRecord === group);
    const last = group || !hasRecords ? members.at(-1) : undefined;
    for (const extent of members) {
      if (extent.size > maximum && extent !== last) {
        const { name, entryOffset } = extent.variable;
        throw corrupt(`"${name}" is larger than a variable before others may be`, entryOffset);
      }
    }
  }
}

function checkOverlap(extents: readonly Extent[], end: number, corrupt: Corrupt): void {
  const sorted = extents.toSorted((a, b) => a.variable.begin - b.variable.begin);
  sorted.forEach(({ variable, size }, index) => {
    if (variable.begin + size > (sorted[index + 1]?.variable.begin ?? end)) {
      throw corrupt(`"${variable.name}" overlaps what comes after it`, variable.entryOffset);
    }
  });
}

/**
 * Old releases of netCDF-C did not pad records of unsigned 16-bit variables in CDF-5, against the
 * specification; the stored size gives them away. Where their records lie cannot be told for sure.
 */
function checkPadding(records: readonly Extent[], source: string): void {
  for (const { variable, size, paddedSize } of records) {
    if (variable.type.name === "ushort" && variable.vsize === size && size !== paddedSize) {
      throw new MoraineError("UnsupportedLayout", `the records of "${variable.name}" may be unpadded`, {
        source,
        path: `/${variable.name}`,
        offset: variable.entryOffset,
      });
    }
  }
}
