/**
 * References to objects, to regions of datasets and to attributes (specification 4.0, IV.A.2.d class 7 "Reference",
 * VIII "Appendix: References").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { Datatype } from "./datatype.ts";
import type { ElementContext } from "./element-value.ts";

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
      const pointer = heap.regionPointer(bytes, at);
      return pointer && address(new Cursor(heap.object(pointer), { source }), offsetSize);
    }
    default:
      throw new MoraineError("UnsupportedDataType", `references of kind "${datatype.kind}"`, { source });
  }
}

function address(cursor: Cursor, offsetSize: number): number | undefined {
  return cursor.uintOrUndefined(offsetSize) || undefined;
}

/** The path of the object that an element refers to; undefined for a reference to nothing that has a path. */
export function referencedPath(
  datatype: ReferenceDatatype,
  bytes: Uint8Array,
  at: number,
  context: ElementContext,
): string | undefined {
  const found = referencedAddress(datatype, bytes, at, context);
  return found === undefined ? undefined : context.pathOf(found);
}
