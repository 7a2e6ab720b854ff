/**
 * Dataspaces: the extent of datasets and attributes (specification 4.0, IV.A.2.b "The Dataspace Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";

export type Dataspace =
  /** No elements and no shape. */
  | { readonly kind: "null" }
  /** Scalars have an empty shape. */
  | {
      readonly kind: "simple";
      readonly shape: readonly number[];
      /** Undefined for an unlimited axis. */
      readonly maximumShape: readonly (number | undefined)[];
    };

const MAXIMUM_RANK = 32;
const HAS_MAXIMUM = 1;
const HAS_PERMUTATION = 2;
const SCALAR = 0;
const SIMPLE = 1;
const NULL = 2;

/**
 * @param cursor over the message's body
 * @param lengthSize bytes of a length in the file
 * @throws `UnsupportedVersion`, `CorruptFile`, `TruncatedFile`
 */
export function parseDataspace(cursor: Cursor, lengthSize: number): Dataspace {
  const start = cursor.offset;
  const version = cursor.u8();
  if (version !== 1 && version !== 2) {
    throw new MoraineError("UnsupportedVersion", `dataspace message of version ${version}`, {
      source: cursor.source,
      offset: start,
    });
  }
  const rank = cursor.u8();
  const flags = cursor.u8();
  let type = rank === 0 ? SCALAR : SIMPLE;
  if (version === 1) cursor.skip(5);
  else type = cursor.u8();
  if (rank > MAXIMUM_RANK) throw cursor.corrupt(`a dataspace of ${rank} dimensions`, start);
  if (type > NULL) throw cursor.corrupt(`a dataspace of type ${type}`, start);
  if (type !== SIMPLE && rank > 0) throw cursor.corrupt("a scalar or null dataspace with dimensions", start);
  if (type === NULL) return { kind: "null" };
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.push(cursor.uint(lengthSize));
  const maximumShape: (number | undefined)[] = [...shape];
  if ((flags & HAS_MAXIMUM) !== 0) {
    for (let axis = 0; axis < rank; axis++) {
      const maximum = cursor.uintOrUndefined(lengthSize);
      if (maximum !== undefined && maximum < (shape[axis] ?? 0)) {
        throw cursor.corrupt(`an extent of ${shape[axis]} beyond its maximum of ${maximum}`);
      }
      maximumShape[axis] = maximum;
    }
  }
  if (version === 1 && (flags & HAS_PERMUTATION) !== 0) cursor.skip(rank * lengthSize);
  return { kind: "simple", shape, maximumShape };
}

/** Number of elements of a dataspace. */
export function pointCount(dataspace: Dataspace): number {
  return dataspace.kind === "null" ? 0 : dataspace.shape.reduce((product, length) => product * length, 1);
}
