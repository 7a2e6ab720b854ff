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

/** An attribute whose datatype or dataspace is stored elsewhere. */
interface SharingAttribute {
  /** In the list of messages. */
  readonly at: number;
  readonly parts: AttributeParts;
  readonly datatype: SharedMessageBody | undefined;
  readonly dataspace: SharedMessageBody | undefined;
}

interface AttributeParts {
  readonly name: string;
  readonly datatype: Cursor;
  readonly dataspace: Cursor;
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
  const attributes = new Array<Attribute | MoraineError>(messages.length);
  const sharing: SharingAttribute[] = [];
  for (const [at, message] of messages.entries()) {
    let name: string | undefined;
    try {
      if (message.error) throw message.error;
      const cursor = new Cursor(message.body, { source, start: message.offset });
      const { parts, datatype, dataspace } = split(cursor);
      name = parts.name;
      if (datatype || dataspace) sharing.push({ at, parts, datatype, dataspace });
      else attributes[at] = attributeOf(parts, lengthSize);
    } catch (error) {
      attributes[at] = named(name, error);
    }
  }
  if (sharing.length > 0) await resolveShared(file, sharing, attributes, options);
  return attributes;
}

async function resolveShared(
  file: Hdf5File,
  sharing: readonly SharingAttribute[],
  attributes: (Attribute | MoraineError)[],
  options: StorageOptions | undefined,
): Promise<void> {
  const bodies = sharing.flatMap(({ datatype, dataspace }) => [datatype ?? [], dataspace ?? []].flat());
  const found = await file.sharedMessages(bodies, options);
  const resolved = new Map(bodies.map((body, i) => [body, found[i]]));
  const cursorOf = (body: SharedMessageBody): Cursor => {
    const message = resolved.get(body);
    const { source } = file.metadata;
    if (message instanceof MoraineError) throw message;
    if (!message) throw new MoraineError("CorruptFile", "a shared message is missing", { source });
    return new Cursor(message.body, { source, start: message.offset });
  };
  for (const { at, parts, datatype, dataspace } of sharing) {
    try {
      const whole = {
        ...parts,
        ...(datatype && { datatype: cursorOf(datatype) }),
        ...(dataspace && { dataspace: cursorOf(dataspace) }),
      };
      attributes[at] = attributeOf(whole, file.metadata.lengthSize);
    } catch (error) {
      attributes[at] = named(parts.name, error);
    }
  }
}

function attributeOf({ name, datatype, dataspace, data }: AttributeParts, lengthSize: number): Attribute {
  const type = parseDatatype(datatype);
  const space = parseDataspace(dataspace, lengthSize);
  const { offset } = data;
  const bytes = data.take(pointCount(space) * type.size);
  return { name, datatype: type, dataspace: space, data: bytes, offset };
}

/** The parts of a message; of those that are shared it has what says where they are. */
function split(cursor: Cursor): Pick<SharingAttribute, "parts" | "datatype" | "dataspace"> {
  const start = cursor.offset;
  const version = cursor.u8();
  if (version < 1 || version > 3) {
    throw new MoraineError("UnsupportedVersion", `attribute message of version ${version}`, {
      source: cursor.source,
      offset: start,
    });
  }
  // Version 1 knows no flags.
  const flags = cursor.u8() & (version > 1 ? SHARED_DATATYPE | SHARED_DATASPACE : 0);
  const nameLength = cursor.u16();
  const datatypeLength = cursor.u16();
  const dataspaceLength = cursor.u16();
  if (version === 3) cursor.skip(1); // character set of the name: text says it itself
  // Version 1 pads its parts to multiples of 8.
  const pad = (length: number): number => (version === 1 ? Math.ceil(length / 8) * 8 - length : 0);
  const name = takeText(cursor, nameLength + pad(nameLength));
  const datatype = cursor.within(datatypeLength);
  cursor.skip(pad(datatypeLength));
  const dataspace = cursor.within(dataspaceLength);
  cursor.skip(pad(dataspaceLength));
  return {
    parts: { name, datatype, dataspace, data: cursor },
    datatype: (flags & SHARED_DATATYPE) !== 0 ? sharedBody(datatype, MESSAGE.datatype) : undefined,
    dataspace: (flags & SHARED_DATASPACE) !== 0 ? sharedBody(dataspace, MESSAGE.dataspace) : undefined,
  };
}

function sharedBody(cursor: Cursor, type: number): SharedMessageBody {
  const { offset } = cursor;
  return { type, body: cursor.take(cursor.remaining), offset };
}

/** The fault of an attribute, which tells its name where that could be read. */
function named(name: string | undefined, error: unknown): MoraineError {
  if (!(error instanceof MoraineError)) throw error;
  if (name === undefined) return error;
  const { code, message, source, offset } = error;
  return new MoraineError(code, `attribute "${name}": ${message}`, { source, offset, cause: error });
}
