/**
 * References to objects, to regions of datasets and to attributes (specification 4.0, IV.A.2.d class 7 "Reference",
 * VIII "Appendix: References").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Datatype } from "./datatype.ts";
import type { ElementContext } from "./element-value.ts";
import { REFERENCE_TYPE } from "./heap-objects.ts";

/** Flag of a reference to an object of another file. */
const EXTERNAL = 1;

type ReferenceDatatype = Extract<Datatype, { class: "reference" }>;

/**
 * The address of the object that an element refers to; undefined for a reference to nothing. Of a region and of an
 * attribute it is the object that has it.
 *
 * @param at position of the element in `bytes`
 */
export function referencedAddress(
  datatype: ReferenceDatatype,
  bytes: Uint8Array,
  at: number,
  { heap }: Pick<ElementContext, "heap">,
): number | undefined {
  const { source, offsetSize } = heap.file.metadata;
  const cursor = new Cursor(bytes.subarray(at, at + datatype.size), { source });
  switch (datatype.kind) {
    case "object":
      return address(cursor, offsetSize);
    case "region": {
      const pointer = heap.referencePointer(datatype, bytes, at);
      return pointer && address(new Cursor(heap.object(pointer), { source }), offsetSize);
    }
    default: {
      const type = cursor.u8();
      if (type === 0) return undefined;
      if ((cursor.u8() & EXTERNAL) !== 0) {
        throw new MoraineError("UnsupportedDataType", "a reference into another file", { source });
      }
      if (type === REFERENCE_TYPE.object2) return token(cursor);
      const pointer = heap.referencePointer(datatype, bytes, at);
      return pointer && token(new Cursor(heap.object(pointer), { source }));
    }
  }
}

/** An address behind its number of bytes. */
function token(cursor: Cursor): number | undefined {
  const size = cursor.u8();
  if (size < 1 || size > 8) throw cursor.corrupt(`an object token of ${size} bytes`);
  return address(cursor, size);
}

function address(cursor: Cursor, offsetSize: number): number | undefined {
  return cursor.uintOrUndefined(offsetSize) || undefined;
}

/**
 * The path of the object that an element refers to; undefined for a reference to nothing that has a path. A region
 * whose description is gone is such: the library copies references of other files as they are.
 */
export function referencedPath(
  datatype: ReferenceDatatype,
  bytes: Uint8Array,
  at: number,
  context: ElementContext,
): string | undefined {
  let found: number | undefined;
  try {
    found = referencedAddress(datatype, bytes, at, context);
  } catch (error) {
    if (!isMoraineError(error, "CorruptFile") && !isMoraineError(error, "TruncatedFile")) throw error;
  }
  return found === undefined ? undefined : context.pathOf(found);
}
