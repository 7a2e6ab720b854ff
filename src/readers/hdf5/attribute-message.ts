/**
 * Attributes as they are stored (specification 4.0, IV.A.2.m "The Attribute Message").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { type Dataspace, parseDataspace, pointCount } from "./dataspace.ts";
import type { Datatype } from "./datatype.ts";
import { parseDatatype } from "./datatype-message.ts";
import type { Hdf5File, SharedMessageBody } from "./hdf5-file.ts";
import { type HeaderMessage, MESSAGE } from "./object-header.ts";
import { takeText } from "./text.ts";

/** An attribute with its elements as they are stored. */
export interface Attribute {
  readonly name: string;
  readonly datatype: Datatype;
  readonly dataspace: Dataspace;
  /** The elements one after another; those of variable length and references point elsewhere. */
  readonly data: Uint8Array;
  /** Offset of the data in the file, for errors. */
  readonly offset: number;
}

const SHARED_DATATYPE = 1;
const SHARED_DATASPACE = 2;

/** A part of an attribute: there, or stored elsewhere. */
type Part =
  | { readonly kind: "here"; readonly cursor: Cursor }
  | { readonly kind: "shared"; readonly shared: SharedMessageBody };

interface RawAttribute {
  readonly name: string;
  readonly datatype: Part;
  readonly dataspace: Part;
  readonly data: Cursor;
}

/**
 * Parses attribute messages; what they share is fetched together.
 *
 * @returns for each message the attribute, or why it cannot be read
 */
export async function parseAttributes(
  file: Hdf5File,
  messages: readonly HeaderMessage[],
  options?: StorageOptions,
): Promise<readonly (Attribute | MoraineError)[]> {
  const { source, lengthSize } = file.metadata;
  const raw = messages.map((message) =>
    guarded(() => {
      if (message.error) throw message.error;
      return split(new Cursor(message.body, { source, start: message.offset }));
    }),
  );
  const parts = raw.flatMap((attribute) =>
    attribute instanceof MoraineError ? [] : [attribute.datatype, attribute.dataspace],
  );
  const shared = parts.flatMap((part) => (part.kind === "shared" ? [part.shared] : []));
  const resolved = new Map<SharedMessageBody, HeaderMessage | MoraineError>();
  if (shared.length > 0) {
    const found = await file.sharedMessages(shared, options);
    shared.forEach((body, i) => {
      const message = found[i];
      if (message) resolved.set(body, message);
    });
  }
  const cursorOf = (part: Part): Cursor => {
    if (part.kind === "here") return part.cursor;
    const message = resolved.get(part.shared);
    if (message instanceof MoraineError) throw message;
    if (message?.error) throw message.error;
    if (!message) throw new MoraineError("CorruptFile", "a shared message is missing", { source });
    return new Cursor(message.body, { source, start: message.offset });
  };
  return raw.map((attribute) =>
    named(attribute, (attribute) => {
      const datatype = parseDatatype(cursorOf(attribute.datatype));
      const dataspace = parseDataspace(cursorOf(attribute.dataspace), lengthSize);
      const bytes = pointCount(dataspace) * datatype.size;
      const offset = attribute.data.offset;
      return { name: attribute.name, datatype, dataspace, data: attribute.data.take(bytes), offset };
    }),
  );
}

function split(cursor: Cursor): RawAttribute {
  const start = cursor.offset;
  const version = cursor.u8();
  if (version < 1 || version > 3) {
    throw new MoraineError("UnsupportedVersion", `attribute message of version ${version}`, {
      source: cursor.source,
      offset: start,
    });
  }
  const flags = cursor.u8();
  const [nameLength, datatypeLength, dataspaceLength] = [cursor.u16(), cursor.u16(), cursor.u16()];
  if (version === 3) cursor.skip(1); // character set of the name: text says it itself
  const padded = (length: number): number => (version === 1 ? Math.ceil(length / 8) * 8 : length);
  const name = takeText(cursor, padded(nameLength));
  const part = (type: number, length: number, shared: boolean): Part => {
    const offset = cursor.offset;
    const body = cursor.take(padded(length)).subarray(0, length);
    return shared
      ? { kind: "shared", shared: { type, body, offset } }
      : { kind: "here", cursor: new Cursor(body, { source: cursor.source, start: offset }) };
  };
  const datatype = part(MESSAGE.datatype, datatypeLength, version > 1 && (flags & SHARED_DATATYPE) !== 0);
  const dataspace = part(MESSAGE.dataspace, dataspaceLength, version > 1 && (flags & SHARED_DATASPACE) !== 0);
  const offset = cursor.offset;
  const data = new Cursor(cursor.take(cursor.remaining), { source: cursor.source, start: offset });
  return { name, datatype, dataspace, data };
}

/** An error after the name was read tells it. */
function named(
  raw: RawAttribute | MoraineError,
  parse: (attribute: RawAttribute) => Attribute,
): Attribute | MoraineError {
  if (raw instanceof MoraineError) return raw;
  const attribute = guarded(() => parse(raw));
  if (!(attribute instanceof MoraineError)) return attribute;
  const { code, message, source, offset } = attribute;
  return new MoraineError(code, `attribute "${raw.name}": ${message}`, { source, offset, cause: attribute });
}

function guarded<T>(parse: () => T): T | MoraineError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MoraineError) return error;
    throw error;
  }
}
