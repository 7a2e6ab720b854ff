/**
 * Reading: a selection of an array into memory.
 *
 * First the plan, then the places of all chunks in one question to the chunk source, then merged ranges with bounded
 * requests and bytes under way, decoded into the result. Memory beyond the result stays under 64 MiB, unless a
 * single chunk is larger than that.
 *
 * @module
 */

import { decodeElement } from "../../data-types/elements.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../node.ts";
import { resolveSelection, type Selection } from "../selection.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { layoutOf } from "./chunk-layout.ts";
import { planRead } from "./plan.ts";

/** Values in C order: little-endian bytes, or one value each for types of variable length. */
export interface RawResult {
  readonly data: Uint8Array | string[] | Uint8Array[];
  readonly shape: readonly number[];
}
