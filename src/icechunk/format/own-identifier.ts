/**
 * Files that never change say themselves which they are: one that lies under another's name, as a backup put back
 * wrongly leaves it, would be read as the other one.
 *
 * @module
 */

import type { FlatBufferReader } from "./flatbuffer-reader.ts";
import { encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "./identifier.ts";

/** Errors: `CorruptFile` where a file is not the one that it is read as. */
export function requireOwnIdentifier(reader: FlatBufferReader, id: ObjectId, what: string): void {
  const own = reader.slice(reader.required(reader.root(), 0, `the identifier of ${what}`), OBJECT_ID_BYTES);
  const text = encodeIdentifier(own);
  if (text !== id) throw reader.corrupt(`${what} says that it is ${text}`);
}
