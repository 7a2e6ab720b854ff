/**
 * The mappings of a virtual dataset: which elements of it are which elements of other datasets (specification 4.0,
 * III.G "Global Heap Block for Virtual Datasets").
 *
 * @module
 */

import type { Cursor } from "../../../binary/cursor.ts";
import { lookup3 } from "../../../binary/lookup3.ts";
import { MoraineError } from "../../../errors.ts";
import { type DataspaceSelection, parseSelection } from "./dataspace-selection.ts";

export interface VirtualMapping {
  /** Name of the source file as it is written; `.` is the virtual dataset's own file. */
  readonly file: string;
  /** Path of the source dataset. */
  readonly dataset: string;
  readonly source: DataspaceSelection;
  readonly virtual: DataspaceSelection;
}

/** Flags of an entry in blocks of version 1 (HDF5 2.0). */
const SHARED_FILE = 1;
const SHARED_DATASET = 2;
const SAME_FILE = 4;
const CHECKSUM = 4;

/**
 * @param cursor over the heap object
 * @throws `UnsupportedVersion`, `CorruptFile`, `ChecksumMismatch`, `TruncatedFile`
 */
export function parseVirtualMappings(cursor: Cursor, lengthSize: number): VirtualMapping[] {
  const start = cursor.offset;
  const version = cursor.u8();
  if (version > 1) {
    throw new MoraineError("UnsupportedVersion", `virtual dataset mappings of version ${version}`, {
      source: cursor.source,
      offset: start,
    });
  }
  const count = cursor.uint(lengthSize);
  const mappings: VirtualMapping[] = [];
  for (let entry = 0; entry < count; entry++) {
    const flags = version === 1 ? cursor.u8() : 0;
    const shared = (mappings: readonly VirtualMapping[]): VirtualMapping => {
      const index = cursor.uint(lengthSize);
      const mapping = mappings[index];
      if (!mapping) throw cursor.corrupt(`a name shared with entry ${index}`);
      return mapping;
    };
    let file: string;
    if ((flags & SAME_FILE) !== 0) file = ".";
    else if ((flags & SHARED_FILE) !== 0) file = shared(mappings).file;
    else file = terminated(cursor);
    const dataset = (flags & SHARED_DATASET) !== 0 ? shared(mappings).dataset : terminated(cursor);
    mappings.push({ file, dataset, source: parseSelection(cursor), virtual: parseSelection(cursor) });
  }
  // The heap object is padded: the checksum follows the last entry.
  const body = cursor.bytes.subarray(0, cursor.position);
  if (cursor.remaining < CHECKSUM || lookup3(body) !== cursor.u32()) {
    throw new MoraineError("ChecksumMismatch", "the checksum of the virtual dataset mappings is wrong", {
      source: cursor.source,
      offset: start,
    });
  }
  return mappings;
}

/** A name that ends with a NUL. */
function terminated(cursor: Cursor): string {
  const end = cursor.bytes.indexOf(0, cursor.position);
  if (end < 0) throw cursor.corrupt("a name without an end");
  const name = cursor.text(end - cursor.position);
  cursor.skip(1);
  return name;
}
