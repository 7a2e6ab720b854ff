/**
 * What stands where nothing was written (specification 4.0, IV.A.2.e "The Data Storage - Fill Value (Old) Message",
 * IV.A.2.f "The Data Storage - Fill Value Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";

/** How the library comes by the value of an unwritten element. */
export type FillValue =
  /** Zeros. */
  | { readonly kind: "default" }
  /** Never defined: what is read is whatever was there. */
  | { readonly kind: "undefined" }
  /** One element as it is stored. */
  | { readonly kind: "value"; readonly element: Uint8Array };

/**
 * Message 0x05.
 *
 * @param cursor over the message's body
 * @throws `UnsupportedVersion`, `CorruptFile`, `TruncatedFile`
 */
export function parseFillValue(cursor: Cursor): FillValue {
  const start = cursor.offset;
  const version = cursor.u8();
  switch (version) {
    case 1:
    case 2: {
      cursor.skip(2);
      const defined = cursor.u8() !== 0;
      if (version === 2 && !defined) return { kind: "default" };
      const size = cursor.i32();
      // -1: undefined by intent, 0: the default.
      if (size < 0) return { kind: "undefined" };
      return size === 0 ? { kind: "default" } : { kind: "value", element: cursor.take(size) };
    }
    case 3: {
      const flags = cursor.u8();
      if ((flags & 0x10) !== 0) return { kind: "undefined" };
      if ((flags & 0x20) === 0) return { kind: "default" };
      const size = cursor.u32();
      return size === 0 ? { kind: "default" } : { kind: "value", element: cursor.take(size) };
    }
    default:
      throw new MoraineError("UnsupportedVersion", `fill value message of version ${version}`, {
        source: cursor.source,
        offset: start,
      });
  }
}

/** Message 0x04, which older writers left alone. */
export function parseOldFillValue(cursor: Cursor): FillValue {
  const size = cursor.u32();
  return size === 0 ? { kind: "default" } : { kind: "value", element: cursor.take(size) };
}
