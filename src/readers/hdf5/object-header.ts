/**
 * Object headers as they come out of a file (specification 4.0, IV "Data Object Headers"): the messages that
 * describe a group, a dataset or a committed datatype.
 *
 * @module
 */

import type { MoraineError } from "../../errors.ts";

/** Types of header messages (specification 4.0, IV.A.2). */
export const MESSAGE = {
  nil: 0x00,
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  oldFillValue: 0x04,
  fillValue: 0x05,
  link: 0x06,
  externalFiles: 0x07,
  dataLayout: 0x08,
  groupInfo: 0x0a,
  filterPipeline: 0x0b,
  attribute: 0x0c,
  comment: 0x0d,
  sharedMessageTable: 0x0f,
  continuation: 0x10,
  symbolTable: 0x11,
  modificationTime: 0x12,
  btreeK: 0x13,
  driverInfo: 0x14,
  attributeInfo: 0x15,
  fileSpaceInfo: 0x17,
  cacheImage: 0x18,
} as const;

/** A message whose sharing is resolved: `body` is the message itself, wherever it was stored. */
export interface HeaderMessage {
  /** See {@link MESSAGE}. */
  readonly type: number;
  readonly flags: number;
  /** Empty where {@link error} is set. */
  readonly body: Uint8Array;
  /** Offset of the body in the file, for errors. */
  readonly offset: number;
  /** Only in headers that track it. */
  readonly creationOrder?: number | undefined;
  /** Why the message that this one shares cannot be had. */
  readonly error?: MoraineError | undefined;
}

export interface ObjectHeader {
  /** Relative to the base address, as references and links give it. */
  readonly address: number;
  /** In the order of the file, without empty ones and continuations. */
  readonly messages: readonly HeaderMessage[];
}

/** The first message of a type, or undefined; throws the message's own error where it could not be resolved. */
export function findMessage(header: ObjectHeader, type: number): HeaderMessage | undefined {
  const found = header.messages.find((message) => message.type === type);
  if (found?.error) throw found.error;
  return found;
}
