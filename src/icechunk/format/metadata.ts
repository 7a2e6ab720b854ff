/**
 * Metadata items: names with JSON values, of commits and of the repository. A value is MessagePack in files of
 * specification 1, a FlexBuffer in files of specification 2; migrated repositories hold both.
 *
 * @module
 */

import { decode } from "@msgpack/msgpack";
import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { FlatBufferReader } from "./flatbuffer-reader.ts";
import type { FlatBufferWriter } from "./flatbuffer-writer.ts";
import { tableLayout } from "./flatbuffer-writer.ts";
import { decodeFlexBuffer } from "./flexbuffer.ts";
import { encodeFlexBuffer } from "./flexbuffer-writer.ts";
import { compareUtf8 } from "./order.ts";

/** A name and its encoded value, which is copied as it is wherever it need not be understood. */
export interface MetadataItem {
  readonly name: string;
  readonly value: Uint8Array;
}

const ITEM = tableLayout(
  [
    ["name", "offset"],
    ["value", "offset"],
  ],
  "name",
  "value",
);

/** Reads the items in a slot of a table; none where it is left out. */
export function readMetadataItems(reader: FlatBufferReader, table: number, slot: number): MetadataItem[] {
  const vector = reader.vector(table, slot, 4);
  if (!vector) return [];
  reader.charge(4 * vector.count);
  const items: MetadataItem[] = [];
  for (let i = 0; i < vector.count; i++) {
    const item = reader.follow(vector.start + 4 * i);
    const value = reader.byteVector(item, 1);
    if (!value) throw reader.corrupt("a metadata item has no value", item);
    items.push({ name: reader.requiredString(item, 0, "the name of a metadata item"), value });
  }
  return items;
}

/** Writes items, sorted by name, as the vector that the field at `from` points to. */
export function writeMetadataItems(
  writer: FlatBufferWriter,
  from: number,
  items: readonly MetadataItem[],
): void {
  const sorted = [...items].sort((a, b) => compareUtf8(a.name, b.name));
  const vector = writer.vector(from, sorted.length, 4);
  sorted.forEach(({ name, value }, i) => {
    const table = writer.table(ITEM, vector + 4 * i);
    writer.string(table + ITEM.at.name, name);
    writer.byteVector(table + ITEM.at.value, value);
  });
}

/** @param specVersion version of the file that the items come from */
export function decodeMetadata(
  items: readonly MetadataItem[],
  specVersion: number,
  source: string,
): JsonObject {
  return Object.fromEntries(
    items.map(({ name, value }) => [
      name,
      specVersion === 1 ? decodeMessagePack(value, source) : decodeFlexBuffer(value, source),
    ]),
  );
}

export function encodeMetadata(metadata: JsonObject): MetadataItem[] {
  return Object.entries(metadata).map(([name, value]) => ({ name, value: encodeFlexBuffer(value) }));
}

function decodeMessagePack(bytes: Uint8Array, source: string): JsonValue {
  try {
    // Counts are bounded by the bytes: every element of MessagePack takes at least one.
    const limit = bytes.length;
    return toJson(
      decode(bytes, {
        useBigInt64: true,
        maxStrLength: limit,
        maxBinLength: limit,
        maxArrayLength: limit,
        maxMapLength: limit,
        maxExtLength: 0,
      }),
    );
  } catch (cause) {
    throw new MoraineError("CorruptFile", `MessagePack: ${cause instanceof Error ? cause.message : cause}`, {
      source,
      cause,
    });
  }
}

function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Object && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
  }
  throw new TypeError("a value that JSON does not have");
}
