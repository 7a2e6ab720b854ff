/**
 * Links: the members of a group (specification 4.0, IV.A.2.g "The Link Message").
 *
 * @module
 */

import type { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";

export type LinkTarget =
  /** `address` of an object header. */
  | { readonly kind: "hard"; readonly address: number }
  /** A path, from the root or from the group that holds the link. */
  | { readonly kind: "soft"; readonly path: string }
  /** A path in another file, named as the file has it. */
  | { readonly kind: "external"; readonly file: string; readonly path: string }
  /** A kind that an application registered, by its number. */
  | { readonly kind: "user-defined"; readonly type: number };

export interface Link {
  readonly name: string;
  /** Only in groups that track it. */
  readonly creationOrder?: number | undefined;
  readonly target: LinkTarget;
}

const LENGTH_WIDTH = 3;
const HAS_CREATION_ORDER = 4;
const HAS_TYPE = 8;
const HAS_CHARACTER_SET = 16;
const HARD = 0;
const SOFT = 1;
const EXTERNAL = 64;

/**
 * @param cursor over the message's body, or over an object of a group's heap
 * @throws `UnsupportedVersion`, `CorruptFile`, `TruncatedFile`
 */
export function parseLink(cursor: Cursor, offsetSize: number): Link {
  const version = cursor.u8();
  if (version !== 1) {
    throw new MoraineError("UnsupportedVersion", `link message of version ${version}`, {
      source: cursor.source,
      offset: cursor.offset - 1,
    });
  }
  const flags = cursor.u8();
  const type = (flags & HAS_TYPE) !== 0 ? cursor.u8() : HARD;
  const creationOrder = (flags & HAS_CREATION_ORDER) !== 0 ? cursor.uint(8) : undefined;
  // Names are UTF-8 whatever is said: writers rarely say it.
  if ((flags & HAS_CHARACTER_SET) !== 0) cursor.skip(1);
  const name = cursor.text(cursor.uint(2 ** (flags & LENGTH_WIDTH)));
  if (name === "") throw cursor.corrupt("a link without a name");
  return { name, creationOrder, target: parseTarget(cursor, type, offsetSize) };
}

function parseTarget(cursor: Cursor, type: number, offsetSize: number): LinkTarget {
  if (type === HARD) return { kind: "hard", address: cursor.uint(offsetSize) };
  const length = cursor.u16();
  if (type === SOFT) return { kind: "soft", path: cursor.text(length) };
  if (type !== EXTERNAL) return { kind: "user-defined", type };
  const end = cursor.position + length;
  cursor.skip(1); // version and flags, none defined
  const separator = cursor.bytes.indexOf(0, cursor.position);
  if (separator < 0 || separator >= end) throw cursor.corrupt("an external link without a path");
  const file = cursor.text(separator - cursor.position);
  cursor.skip(1);
  return { kind: "external", file, path: cursor.text(end - cursor.position) };
}
