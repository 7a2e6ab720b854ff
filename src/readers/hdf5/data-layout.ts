/**
 * Where a dataset's raw data lies (specification 4.0, IV.A.2.i "The Data Layout Message" and IV.A.2.h "The Data
 * Storage - External Data Files Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";

/** Widths of the file's addresses and lengths. */
export interface FileWidths {
  readonly offsetSize: number;
  readonly lengthSize: number;
}

/** How chunks are found. `address` is undefined while nothing is allocated. */
export type ChunkIndex =
  | { readonly type: "btree-v1"; readonly address: number | undefined }
  | {
      readonly type: "single";
      readonly address: number | undefined;
      /** Only with filters: stored bytes and filter mask. */
      readonly filtered?: { readonly size: number; readonly mask: number } | undefined;
    }
  | { readonly type: "implicit"; readonly address: number | undefined }
  | { readonly type: "fixed-array"; readonly address: number | undefined }
  | { readonly type: "extensible-array"; readonly address: number | undefined }
  | { readonly type: "btree-v2"; readonly address: number | undefined };

export interface ChunkedLayout {
  readonly class: "chunked";
  /** Elements along each axis, without the dimension of the element's size that is stored after them. */
  readonly chunkShape: readonly number[];
  /** Bytes of an element, as this message says it. */
  readonly elementSize: number;
  readonly index: ChunkIndex;
  /** Chunks that reach beyond the current extent are stored without filters. */
  readonly edgesUnfiltered: boolean;
}

export type DataLayout =
  | { readonly class: "compact"; readonly data: Uint8Array }
  | {
      readonly class: "contiguous";
      readonly address: number | undefined;
      /** Bytes; versions 1 and 2 do not store them, and some writers leave them undefined. */
      readonly size: number | undefined;
    }
  | ChunkedLayout
  /** A global heap object holds the mappings. */
  | {
      readonly class: "virtual";
      readonly heapAddress: number | undefined;
      readonly heapIndex: number;
    };

const CLASSES = ["compact", "contiguous", "chunked", "virtual"] as const;
/** Bits of the flags of a chunked layout of version 4 and 5. */
const EDGES_UNFILTERED = 1;
const SINGLE_CHUNK_FILTERED = 2;
/** 32 dimensions and that of the element's size: the library's own limit. */
const MAXIMUM_RANK = 33;

/**
 * @param cursor over the message's body
 * @throws `UnsupportedVersion`, `UnsupportedLayout` (a class or index that no version defines), `CorruptFile`
 */
export function parseDataLayout(cursor: Cursor, widths: FileWidths): DataLayout {
  const version = cursor.u8();
  if (version === 1 || version === 2) return parseOld(cursor, widths);
  if (version < 3 || version > 5) {
    throw new MoraineError("UnsupportedVersion", `data layout message of version ${version}`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  switch (layoutClass(cursor)) {
    case "compact":
      return { class: "compact", data: cursor.take(cursor.u16()) };
    case "contiguous":
      return {
        class: "contiguous",
        address: cursor.uintOrUndefined(widths.offsetSize),
        size: cursor.uintOrUndefined(widths.lengthSize),
      };
    case "chunked":
      return version === 3 ? parseChunked3(cursor, widths) : parseChunked4(cursor, widths);
    case "virtual":
      if (version < 4) throw cursor.corrupt("a virtual layout in a message of version 3");
      return {
        class: "virtual",
        heapAddress: cursor.uintOrUndefined(widths.offsetSize),
        heapIndex: cursor.u32(),
      };
  }
}

function layoutClass(cursor: Cursor): (typeof CLASSES)[number] {
  const code = cursor.u8();
  const name = CLASSES[code];
  if (name === undefined) {
    throw new MoraineError("UnsupportedLayout", `storage layout class ${code}`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  return name;
}

/** Versions 1 and 2: the dimensions stand in every class, the address before them. */
function parseOld(cursor: Cursor, widths: FileWidths): DataLayout {
  const rank = cursor.u8();
  const kind = layoutClass(cursor);
  cursor.skip(5);
  if (kind === "virtual") throw cursor.corrupt("a virtual layout in a message of version 1 or 2");
  const address = kind === "compact" ? undefined : cursor.uintOrUndefined(widths.offsetSize);
  const dimensions = readDimensions(cursor, rank, 4);
  if (kind === "compact") return { class: "compact", data: cursor.take(cursor.u32()) };
  if (kind === "contiguous") return { class: "contiguous", address, size: undefined };
  return chunked(cursor, dimensions, { type: "btree-v1", address }, false);
}

function parseChunked3(cursor: Cursor, widths: FileWidths): DataLayout {
  const rank = cursor.u8();
  const address = cursor.uintOrUndefined(widths.offsetSize);
  return chunked(cursor, readDimensions(cursor, rank, 4), { type: "btree-v1", address }, false);
}

function parseChunked4(cursor: Cursor, widths: FileWidths): DataLayout {
  const flags = cursor.u8();
  const rank = cursor.u8();
  const width = cursor.u8();
  if (width < 1 || width > 8) throw cursor.corrupt(`chunk dimensions of ${width} bytes`);
  const dimensions = readDimensions(cursor, rank, width);
  const index = parseChunkIndex(cursor, widths, (flags & SINGLE_CHUNK_FILTERED) !== 0);
  return chunked(cursor, dimensions, index, (flags & EDGES_UNFILTERED) !== 0);
}

/** The parameters of an index stand in its own header too; there they are checked by a checksum. */
function parseChunkIndex(cursor: Cursor, widths: FileWidths, singleFiltered: boolean): ChunkIndex {
  const type = cursor.u8();
  switch (type) {
    case 1: {
      const filtered = singleFiltered
        ? { size: cursor.uint(widths.lengthSize), mask: cursor.u32() }
        : undefined;
      return { type: "single", filtered, address: cursor.uintOrUndefined(widths.offsetSize) };
    }
    case 2:
      return { type: "implicit", address: cursor.uintOrUndefined(widths.offsetSize) };
    case 3:
      cursor.skip(1);
      return { type: "fixed-array", address: cursor.uintOrUndefined(widths.offsetSize) };
    case 4:
      cursor.skip(5);
      return { type: "extensible-array", address: cursor.uintOrUndefined(widths.offsetSize) };
    case 5:
      cursor.skip(6);
      return { type: "btree-v2", address: cursor.uintOrUndefined(widths.offsetSize) };
    default:
      throw new MoraineError("UnsupportedLayout", `chunk index of type ${type}`, {
        source: cursor.source,
        offset: cursor.offset - 1,
      });
  }
}

function readDimensions(cursor: Cursor, rank: number, width: number): number[] {
  if (rank > MAXIMUM_RANK) throw cursor.corrupt(`a layout of ${rank} dimensions`);
  const dimensions: number[] = [];
  for (let axis = 0; axis < rank; axis++) dimensions.push(cursor.uint(width));
  return dimensions;
}

function chunked(
  cursor: Cursor,
  dimensions: readonly number[],
  index: ChunkIndex,
  edgesUnfiltered: boolean,
): ChunkedLayout {
  const chunkShape = dimensions.slice(0, -1);
  const elementSize = dimensions.at(-1);
  if (chunkShape.length === 0 || elementSize === undefined) {
    throw cursor.corrupt("a chunked layout without dimensions");
  }
  if (dimensions.includes(0)) throw cursor.corrupt(`a chunk of ${dimensions.join(" x ")}`);
  return { class: "chunked", chunkShape, elementSize, index, edgesUnfiltered };
}

/** A piece of an external raw data file. */
export interface ExternalSlot {
  /** Offset of the file's name in the local heap. */
  readonly nameOffset: number;
  /** Bytes from the start of the external file. */
  readonly offset: number;
  /** Bytes used in it; undefined: as many as there are. */
  readonly size: number | undefined;
}

export interface ExternalFiles {
  /** Address of the local heap that holds the names. */
  readonly heapAddress: number;
  /** In the order in which they make up the data. */
  readonly slots: readonly ExternalSlot[];
}

/** Message 0x07. */
export function parseExternalFiles(cursor: Cursor, widths: FileWidths): ExternalFiles {
  const version = cursor.u8();
  if (version !== 1) {
    throw new MoraineError("UnsupportedVersion", `external files message of version ${version}`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  cursor.skip(3);
  cursor.skip(2); // allocated slots: only those in use are stored
  const used = cursor.u16();
  const heapAddress = cursor.uint(widths.offsetSize);
  const slots: ExternalSlot[] = [];
  for (let slot = 0; slot < used; slot++) {
    slots.push({
      nameOffset: cursor.uint(widths.lengthSize),
      offset: cursor.uint(widths.lengthSize),
      size: cursor.uintOrUndefined(widths.lengthSize),
    });
  }
  return { heapAddress, slots };
}
