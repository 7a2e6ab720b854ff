/**
 * Writes manifest files, several arrays in one where they are small (see `manifest.ts`).
 *
 * Locations are written plain and once each, however many references point to them: compressed by the file's
 * own frame they take no more room than compressed one by one, and no reader needs a dictionary.
 *
 * @module
 */

import { type ChunkReferences, GridWalk, INLINE, NATIVE, type VirtualObject } from "./chunk-references.ts";
import { FILE_TYPE, sealEnvelope } from "./envelope.ts";
import { FlatBufferWriter, type TableLayout, tableLayout } from "./flatbuffer-writer.ts";
import {
  decodeIdentifier,
  NODE_ID_BYTES,
  type NodeId,
  OBJECT_ID_BYTES,
  type ObjectId,
} from "./identifier.ts";
import { compareIdentifiers } from "./order.ts";

/** References of an array that go into a manifest; none of them `MISSING`. */
export interface ManifestArray {
  readonly nodeId: NodeId;
  readonly references: ChunkReferences;
  /** Which entries, ascending; all where it is undefined. */
  readonly entries?: Uint32Array | undefined;
}

const ID = { struct: OBJECT_ID_BYTES } as const;
const MANIFEST = tableLayout(
  [
    ["id", ID],
    ["arrays", "offset"],
    ["dictionary", "offset"],
    ["compression", "u8"],
    ["extra", "offset"],
  ],
  "id",
  "arrays",
  "compression",
);
const ARRAY = tableLayout(
  [
    ["node", { struct: NODE_ID_BYTES }],
    ["references", "offset"],
  ],
  "node",
  "references",
);
const SCHEMA = [
  ["index", "offset"],
  ["inline", "offset"],
  ["offset", "u64"],
  ["length", "u64"],
  ["chunkId", ID],
  ["location", "offset"],
  ["etag", "offset"],
  ["lastModified", "u32"],
] as const;
const INLINE_REFERENCE = tableLayout(SCHEMA, "index", "inline");
const NATIVE_REFERENCE = tableLayout(SCHEMA, "index", "offset", "length", "chunkId");
const VIRTUAL_REFERENCE = tableLayout(SCHEMA, "index", "offset", "length", "location");
const VIRTUAL_ETAG = tableLayout(SCHEMA, "index", "offset", "length", "location", "etag");
const VIRTUAL_TIME = tableLayout(SCHEMA, "index", "offset", "length", "location", "lastModified");
const LARGEST_REFERENCE = Math.max(VIRTUAL_ETAG.size, NATIVE_REFERENCE.size, VIRTUAL_TIME.size);

/** Larger memory is not kept for the next manifest. */
const MAX_SCRATCH = 8 * 1024 * 1024;

function referenceCountOf(array: ManifestArray): number {
  return array.entries?.length ?? array.references.count;
}

/** Memory in which manifests are put together, one after another. */
export class ManifestScratch {
  #bytes = new Uint8Array(0);

  /** @param capacity at most {@link MAX_SCRATCH} are kept */
  of(capacity: number): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length < capacity && capacity <= MAX_SCRATCH) this.#bytes = new Uint8Array(capacity);
    return this.#bytes;
  }
}

/**
 * Writes a manifest.
 *
 * @param scratch nobody else uses it before this is done
 * Errors: `LimitExceeded` beyond 2 GiB.
 */
export async function writeManifest(
  id: ObjectId,
  arrays: readonly ManifestArray[],
  compressionLevel: number,
  scratch: ManifestScratch = new ManifestScratch(),
): Promise<Uint8Array> {
  const sorted = [...arrays].sort((a, b) => compareIdentifiers(a.nodeId, b.nodeId));
  const rooms = sorted.map(roomFor);
  const capacity = rooms.reduce((total, room) => total + 64 + room, 512);
  const writer = new FlatBufferWriter(capacity, scratch.of(capacity));
  const root = writer.root(MANIFEST);
  writer.set(root + MANIFEST.at.id, decodeIdentifier(id, OBJECT_ID_BYTES));
  // 0 must be said: the schema's default means compressed locations.
  writer.u8(root + MANIFEST.at.compression, 0);
  const vector = writer.vector(root + MANIFEST.at.arrays, sorted.length, 4);
  const locations = sorted.map((array, i) => {
    const table = writer.table(ARRAY, vector + 4 * i);
    writer.set(table + ARRAY.at.node, decodeIdentifier(array.nodeId, NODE_ID_BYTES));
    return writeReferences(writer, table + ARRAY.at.references, array, rooms[i] ?? 0);
  });
  // Offsets only point forward, so what is shared comes last.
  const written = new Map<string, number>();
  sorted.forEach((array, i) => {
    writeLocations(writer, array, locations[i] ?? new Uint32Array(0), written);
  });
  return sealEnvelope(writer.finish(), FILE_TYPE.manifest, compressionLevel);
}

/** Most bytes that the references take, their vectors among them, locations not. */
function roomFor(array: ManifestArray): number {
  const { references, entries } = array;
  const count = referenceCountOf(array);
  let room = 16 + count * (4 + LARGEST_REFERENCE + 8 + 4 + 4 * references.gridShape.length);
  if (references.buffers.length === 0) return room;
  for (let i = 0; i < count; i++) {
    const entry = entries?.[i] ?? i;
    if (references.kinds[entry] === INLINE) room += 8 + (references.lengths[entry] ?? 0);
  }
  return room;
}

/** The table that a virtual reference needs. */
function virtualLayout(object: VirtualObject): TableLayout<"index" | "offset" | "length" | "location"> {
  if (object.etag !== undefined) return VIRTUAL_ETAG;
  return object.lastModified !== undefined ? VIRTUAL_TIME : VIRTUAL_REFERENCE;
}

/**
 * Writes an array's references, each a table with its coordinates, and inline bytes, right behind it.
 *
 * @param room of {@link roomFor}
 * @returns for each reference where its location must be put; 0 where it has none
 */
function writeReferences(
  writer: FlatBufferWriter,
  from: number,
  array: ManifestArray,
  room: number,
): Uint32Array {
  const { references, entries } = array;
  const { kinds, objects, offsets, lengths, chunkIds, buffers, virtualObjects } = references;
  const rank = references.gridShape.length;
  const walk = new GridWalk(references.gridShape);
  const { coordinates } = walk;
  const count = referenceCountOf(array);
  const slots = writer.vector(from, count, 4);
  const virtualLayouts = virtualObjects.map(virtualLayout);
  // Vtables first: in the loop nothing else may be written.
  const [nativeVtable, inlineVtable] = [writer.vtable(NATIVE_REFERENCE), writer.vtable(INLINE_REFERENCE)];
  const virtualVtables = Uint32Array.from(virtualLayouts, (layout) => writer.vtable(layout));
  const start = writer.length;
  writer.reserve(room);
  const { view, bytes } = writer;
  const locationFields = new Uint32Array(count);
  let end = start;

  /** Begins a table with the coordinates behind it. */
  const begin = (i: number, entry: number, layout: TableLayout<"index">, vtable: number): number => {
    const table = Math.ceil(end / layout.alignment) * layout.alignment;
    view.setUint32(slots + 4 * i, table - (slots + 4 * i), true);
    view.setInt32(table, table - vtable, true);
    end = table + layout.size;
    view.setUint32(table + layout.at.index, end - (table + layout.at.index), true);
    view.setUint32(end, rank, true);
    walk.moveTo(references.positions?.[entry] ?? entry);
    for (let axis = 0; axis < rank; axis++) view.setUint32(end + 4 + 4 * axis, coordinates[axis] ?? 0, true);
    end += 4 + 4 * rank;
    return table;
  };

  for (let i = 0; i < count; i++) {
    const entry = entries?.[i] ?? i;
    const object = objects[entry] ?? 0;
    const offset = offsets[entry] ?? 0;
    const length = lengths[entry] ?? 0;
    if (kinds[entry] === INLINE) {
      const table = begin(i, entry, INLINE_REFERENCE, inlineVtable);
      view.setUint32(table + INLINE_REFERENCE.at.inline, end - (table + INLINE_REFERENCE.at.inline), true);
      view.setUint32(end, length, true);
      const buffer = buffers[object];
      if (buffer) bytes.set(buffer.subarray(offset, offset + length), end + 4);
      end = Math.ceil((end + 4 + length) / 4) * 4;
    } else if (kinds[entry] === NATIVE) {
      const table = begin(i, entry, NATIVE_REFERENCE, nativeVtable);
      writer.u64(table + NATIVE_REFERENCE.at.offset, offset);
      writer.u64(table + NATIVE_REFERENCE.at.length, length);
      for (let k = 0; k < OBJECT_ID_BYTES; k++) {
        bytes[table + NATIVE_REFERENCE.at.chunkId + k] = chunkIds[object * OBJECT_ID_BYTES + k] ?? 0;
      }
    } else {
      const layout = virtualLayouts[object] ?? VIRTUAL_REFERENCE;
      const table = begin(i, entry, layout, virtualVtables[object] ?? 0);
      writer.u64(table + layout.at.offset, offset);
      writer.u64(table + layout.at.length, length);
      locationFields[i] = table + layout.at.location;
      if (layout === VIRTUAL_TIME) {
        view.setUint32(table + VIRTUAL_TIME.at.lastModified, virtualObjects[object]?.lastModified ?? 0, true);
      }
    }
  }
  writer.length = end;
  return locationFields;
}

/** Writes the locations and ETags that are not written yet, and points to them. */
function writeLocations(
  writer: FlatBufferWriter,
  array: ManifestArray,
  fields: Uint32Array,
  written: Map<string, number>,
): void {
  const { references, entries } = array;
  const locations = new Uint32Array(references.virtualObjects.length);
  const etags = new Uint32Array(references.virtualObjects.length);
  const text = (value: string): number => {
    const at = written.get(value) ?? writer.text(value);
    written.set(value, at);
    return at;
  };
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] ?? 0;
    if (field === 0) continue;
    const index = references.objects[entries?.[i] ?? i] ?? 0;
    const object = references.virtualObjects[index];
    if (object && locations[index] === 0) {
      locations[index] = text(object.location);
      if (object.etag !== undefined) etags[index] = text(object.etag);
    }
    writer.point(field, locations[index] ?? 0);
    const etag = etags[index] ?? 0;
    if (etag !== 0) writer.point(field + VIRTUAL_ETAG.at.etag - VIRTUAL_ETAG.at.location, etag);
  }
}
