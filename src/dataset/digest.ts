/**
 * The content of arrays as SHA-256: what two addresses must agree in to hold the same data.
 *
 * @module
 */

import type { JsonValue } from "../binary/json.ts";
import { createSha256, type Sha256 } from "../binary/sha256.ts";
import { type DataType, itemSize } from "../data-types/data-type.ts";
import { dataTypeToJson } from "../data-types/data-type-json.ts";
import { MoraineError } from "../errors.ts";
import type { VirtualArray } from "../manifest/virtual-group.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";
import { arrayOf, faultOf, type OpenedSource, storedPath, walkSource } from "./source.ts";

/**
 * What a digest is of: the bytes of the elements in C order, little-endian and packed, or the JSON list of the
 * strings. Null for data without an agreed digest.
 */
export type DigestValue = { readonly bytes: string } | { readonly strings: string } | null;

/** The digest of one array, or why there is none. */
export interface DigestRow {
  readonly path: string;
  readonly shape?: readonly number[] | undefined;
  /** As in `zarr.json`. */
  readonly dataType?: JsonValue | undefined;
  readonly value?: DigestValue | undefined;
  readonly error?: MoraineError | undefined;
}

export interface DigestOptions extends StorageOptions {
  /** Decoded bytes of an array beyond which it is an error `LimitExceeded`. */
  readonly limit?: number | undefined;
}

/** Decoded bytes that are held at a time. */
const SLAB_BYTES = 32 * 1024 * 1024;
/** A slab may be this large where it can hold whole chunks then, which are decoded only once. */
const WHOLE_CHUNK_BYTES = 256 * 1024 * 1024;
/** What an element of variable length is taken to have when slabs are cut. */
const VARIABLE_BYTES = 256;
/** A file may claim any shape; hashing more than this takes minutes and must be asked for. */
const DIGEST_LIMIT: number = 16 * 1024 ** 3;

/**
 * The digest of every array of a source, those of hidden dimensions too, in the order of the source. A group that is
 * reached by several paths is walked once.
 */
export async function* digestSource(
  source: OpenedSource,
  options: DigestOptions = {},
): AsyncGenerator<DigestRow, void, undefined> {
  for await (const { path, node } of walkSource(source, "/", { ...options, once: true })) {
    if (node.kind === "array") yield await digestRow(source, storedPath(path, node), node, options);
    else if (node.kind === "fault") {
      const stored = storedPath(path, node);
      yield {
        path: stored,
        shape: node.shape,
        error: node.error.at({ source: source.address, path: stored }),
      };
    }
  }
}

async function digestRow(
  source: OpenedSource,
  path: string,
  view: VirtualArray,
  options: DigestOptions,
): Promise<DigestRow> {
  const array = view.stored ?? view;
  const { shape, dataType } = array.metadata;
  const row = { path, shape, dataType: dataTypeToJson(dataType) };
  try {
    return { ...row, value: await digestArray(source, path, array, options) };
  } catch (error) {
    return { ...row, error: faultOf(error, source, path) };
  }
}

/**
 * The digest of one array. Memory stays within about 100 MiB, or 320 MiB where a row of chunks is that large.
 *
 * Errors: those of reading; `LimitExceeded` beyond `limit`.
 */
async function digestArray(
  source: OpenedSource,
  path: string,
  array: VirtualArray,
  options: DigestOptions = {},
): Promise<DigestValue> {
  const { metadata } = array;
  if (array.described || array.disputed !== undefined || !isDigestible(metadata.dataType)) return null;
  const { limit = DIGEST_LIMIT } = options;
  const bytes = metadata.shape.reduce(
    (product, length) => product * length,
    itemSize(metadata.dataType) ?? 16,
  );
  if (bytes > limit) {
    throw new MoraineError(
      "LimitExceeded",
      `${bytes} bytes are more than the limit of ${limit} for a digest`,
    );
  }
  const strings = metadata.dataType.name === "string";
  const hash = createSha256();
  const text = new TextEncoder();
  const reader = arrayOf(source, path, array);
  if (strings) hash.update(text.encode("["));
  let first = true;
  for (const box of slabs(metadata)) {
    options.signal?.throwIfAborted();
    const data = await reader.readRegion(
      box.map(([start]) => start),
      box.map(([start, stop]) => stop - start),
      { signal: options.signal },
    );
    if (data instanceof Uint8Array) {
      hash.update(isSingleText(source, metadata) ? withoutNuls(data) : data);
    } else if (!strings) {
      for (const item of data) updateWithLength(hash, item);
    } else {
      const items = data.map((item) => pythonJsonString(String(item))).join(", ");
      if (items !== "") hash.update(text.encode(first ? items : `, ${items}`));
      if (items !== "") first = false;
    }
  }
  if (strings) hash.update(text.encode("]"));
  return strings ? { strings: hash.digest() } : { bytes: hash.digest() };
}

/**
 * Whether an array is a single string of fixed length, which other programs give without the NULs at its end. In a
 * Zarr store it is an element like any other.
 */
function isSingleText({ format }: OpenedSource, { shape, dataType }: ArrayMetadata): boolean {
  return format !== "zarr" && shape.length === 0 && dataType.name === "null_terminated_bytes";
}

/** At least one byte is left, as in NumPy. */
function withoutNuls(bytes: Uint8Array): Uint8Array {
  let end = bytes.length;
  while (end > 1 && bytes[end - 1] === 0) end -= 1;
  return bytes.subarray(0, end);
}

/** Records with members of variable length have no agreed form. */
function isDigestible(dataType: DataType): boolean {
  return dataType.name !== "struct" || itemSize(dataType) !== undefined;
}

/** Bytes of variable length: their number in 32 bits, little-endian, then they themselves. */
function updateWithLength(hash: Sha256, item: string | Uint8Array): void {
  if (typeof item === "string") return;
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, item.length, true);
  hash.update(length);
  hash.update(item);
}

/** A string as Python's `json.dumps` writes it: everything but printable ASCII is escaped. */
function pythonJsonString(value: string): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Cuts an array into boxes that follow one another in C order, each of bounded bytes and, where that is possible,
 * of whole chunks along the axis that is cut.
 */
export function* slabs(
  { shape, chunkGrid, dataType }: Pick<ArrayMetadata, "shape" | "chunkGrid" | "dataType">,
  limit: number = SLAB_BYTES,
): Generator<[start: number, stop: number][], void, undefined> {
  if (shape.some((length) => length === 0)) return;
  // The first axis below which everything fits is the one that is cut.
  let axis = shape.length;
  let rowBytes = itemSize(dataType) ?? VARIABLE_BYTES;
  while (axis > 0 && rowBytes * (shape[axis - 1] ?? 1) <= limit) rowBytes *= shape[--axis] ?? 1;
  const box = shape.map((length): [number, number] => [0, length]);
  if (axis === 0) {
    yield box;
    return;
  }
  const cut = axis - 1;
  const length = shape[cut] ?? 1;
  const chunk = chunkGrid.name === "regular" ? (chunkGrid.chunkShape[cut] ?? 1) : 1;
  const most = Math.max(1, Math.floor(limit / rowBytes));
  const whole = chunk * rowBytes <= WHOLE_CHUNK_BYTES ? chunk : most;
  const step = most >= chunk ? most - (most % chunk) : whole;
  const outer = shape.slice(0, cut);
  const rows = outer.reduce((product, size) => product * size, 1);
  for (let row = 0; row < rows; row++) {
    let rest = row;
    for (let at = cut - 1; at >= 0; at--) {
      const size = outer[at] ?? 1;
      box[at] = [rest % size, (rest % size) + 1];
      rest = Math.floor(rest / size);
    }
    for (let start = 0; start < length; start += step) {
      box[cut] = [start, Math.min(start + step, length)];
      yield box.map(([from, to]): [number, number] => [from, to]);
    }
  }
}
