/**
 * The filters that a dataset's chunks went through (specification 4.0, IV.A.2.l "The Data Storage - Filter
 * Pipeline Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";

/** One filter of a pipeline. */
export interface Filter {
  /** As registered with The HDF Group. */
  readonly id: number;
  /** As the file has it; empty where it has none. */
  readonly name: string;
  /** A chunk on which the filter failed is stored without it. */
  readonly optional: boolean;
  /** "Client data": the filter's parameters, unsigned 32-bit numbers. */
  readonly parameters: readonly number[];
}

export const DEFLATE = 1;
export const SHUFFLE = 2;
export const FLETCHER32 = 3;
export const SZIP = 4;
export const NBIT = 5;
export const SCALE_OFFSET = 6;

/** The library allows 32 filters: a chunk's mask has a bit for each. */
const MAXIMUM_FILTERS = 32;
/** Filters below this number have no name in messages of version 2. */
const FIRST_NAMED_FILTER = 256;

/**
 * The filters in the order in which they were applied in writing; repeats are kept.
 *
 * @param cursor over the message's body
 * @throws `UnsupportedVersion`, `CorruptFile`
 */
export function parseFilterPipeline(cursor: Cursor): Filter[] {
  const version = cursor.u8();
  if (version !== 1 && version !== 2) {
    throw new MoraineError("UnsupportedVersion", `filter pipeline message of version ${version}`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  const count = cursor.u8();
  if (count > MAXIMUM_FILTERS) throw cursor.corrupt(`a pipeline of ${count} filters`);
  if (version === 1) cursor.skip(6);
  const filters: Filter[] = [];
  for (let i = 0; i < count; i++) {
    const id = cursor.u16();
    const nameLength = version === 1 || id >= FIRST_NAMED_FILTER ? cursor.u16() : 0;
    const optional = (cursor.u16() & 1) !== 0;
    const parameterCount = cursor.u16();
    // Version 1 pads names to a multiple of 8; writers do not agree on whether the length says so.
    const name = cursor.text(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
    const parameters: number[] = [];
    for (let j = 0; j < parameterCount; j++) parameters.push(cursor.u32());
    if (version === 1 && parameterCount % 2 === 1) cursor.skip(4);
    filters.push({ id, name, optional, parameters });
  }
  return filters;
}
