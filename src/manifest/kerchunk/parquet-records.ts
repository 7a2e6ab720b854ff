/**
 * The Parquet files of Kerchunk references: a row for each chunk, in C order (fsspec's `LazyReferenceMapper`).
 *
 * @module
 */

import { native } from "../../codecs/native.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Reference } from "./reference-set.ts";

/** The rows of one file as columns. */
export interface ParquetRecords {
  readonly rows: number;
  /** The reference of a row; undefined for a missing chunk. */
  reference(row: number): Reference | undefined;
}

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });
const COLUMNS = ["path", "offset", "size", "raw"];
/**
 * What pandas keeps beside a table. Without it fastparquet, with which fsspec reads, makes offsets numbers that no
 * file can be read at.
 */
const PANDAS: string = JSON.stringify({
  index_columns: [],
  column_indexes: [],
  columns: [
    { name: "path", field_name: "path", pandas_type: "unicode", numpy_type: "object", metadata: null },
    { name: "offset", field_name: "offset", pandas_type: "int64", numpy_type: "int64", metadata: null },
    { name: "size", field_name: "size", pandas_type: "int64", numpy_type: "int64", metadata: null },
    { name: "raw", field_name: "raw", pandas_type: "bytes", numpy_type: "object", metadata: null },
  ],
  creator: { library: "moraine", version: "0" },
  pandas_version: "2.0.0",
});
/** Bytes of a page before it is compressed; what is declared is not believed beyond. */
const MAXIMUM_PAGE = 256 * 1024 * 1024;

/**
 * Parses a file of references.
 *
 * Errors: `CorruptFile`.
 *
 * @param source address of the file
 */
export async function parseParquetRecords(bytes: Uint8Array, source: string): Promise<ParquetRecords> {
  const { parquetMetadata, parquetReadObjects } = await import("hyparquet");
  const { zstd } = native;
  await zstd.ready("decode");
  const buffer = new Uint8Array(bytes).buffer;
  const file = {
    byteLength: buffer.byteLength,
    slice: (start: number, end?: number) => buffer.slice(start, end),
  };
  const compressors = {
    ZSTD: (input: Uint8Array, length: number) => {
      if (length > MAXIMUM_PAGE)
        throw new MoraineError("LimitExceeded", `a page of ${length} bytes`, { source });
      return zstd.decompress(input, length);
    },
  };
  try {
    const metadata = parquetMetadata(buffer);
    const names = new Set(metadata.schema.map(({ name }) => name));
    const columns = COLUMNS.filter((name) => names.has(name));
    const rows = await parquetReadObjects({ file, metadata, columns, compressors, utf8: false });
    return { rows: rows.length, reference: (row) => referenceOf(rows[row]) };
  } catch (cause) {
    if (isMoraineError(cause)) throw cause.at({ source });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MoraineError("CorruptFile", `this is no Parquet file of references: ${why}`, { source, cause });
  }
}

function referenceOf(row: Readonly<Record<string, unknown>> | undefined): Reference | undefined {
  const { path, offset, size, raw } = row ?? {};
  if (raw instanceof Uint8Array) return { kind: "inline", bytes: raw };
  const url = textOf(path);
  if (url === undefined) return undefined;
  const at = Number(offset ?? 0);
  const length = Number(size ?? 0);
  return at === 0 && length === 0 ? { kind: "object", url } : { kind: "range", url, offset: at, length };
}

/** pandas writes NaN where a column of texts has nothing. */
function textOf(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return value.length > 0 ? TEXT.decode(value) : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Rows of references as a Parquet file: the columns that fsspec reads, in zstd, one row group.
 *
 * @param rows as many as the set has in a file; undefined for missing chunks
 */
export async function encodeParquetRecords(rows: readonly (Reference | undefined)[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const { zstd } = native;
  await zstd.ready();
  const ranges = rows.map((row) => (row?.kind === "range" ? row : undefined));
  const bytes = parquetWriteBuffer({
    columnData: [
      {
        name: "path",
        data: rows.map((row) => (row === undefined || row.kind === "inline" ? null : row.url)),
        type: "STRING",
      },
      {
        name: "offset",
        data: BigInt64Array.from(ranges, (row) => BigInt(row?.offset ?? 0)),
        type: "INT64",
        nullable: false,
      },
      {
        name: "size",
        data: BigInt64Array.from(ranges, (row) => BigInt(row?.length ?? 0)),
        type: "INT64",
        nullable: false,
      },
      {
        name: "raw",
        data: rows.map((row) => (row?.kind === "inline" ? row.bytes : null)),
        type: "BYTE_ARRAY",
      },
    ],
    codec: "ZSTD",
    compressors: { ZSTD: (input) => zstd.compress(input, 3, false) },
    statistics: false,
    kvMetadata: [{ key: "pandas", value: PANDAS }],
    rowGroupSize: Math.max(rows.length, 1),
  });
  return new Uint8Array(bytes);
}
