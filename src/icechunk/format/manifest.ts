/**
 * Manifest files: the chunk references of one or several arrays (Icechunk specification, "Chunk manifest files").
 *
 * Nothing is decoded before it is asked for: single references are found by bisection in the file's own bytes,
 * many are copied into columns, and no object is made for a reference.
 *
 * @module
 */

import { type ChunkReferences, gridStrides, positionOf } from "./chunk-references.ts";
import { locationDecoder } from "./compression.ts";
import { FILE_TYPE, openEnvelope } from "./envelope.ts";
import { FlatBufferReader, TableFields, type VectorPosition } from "./flatbuffer-reader.ts";
import {
  decodeIdentifier,
  encodeIdentifier,
  NODE_ID_BYTES,
  type NodeId,
  OBJECT_ID_BYTES,
  type ObjectId,
} from "./identifier.ts";
import { compareBytes } from "./order.ts";
import { requireOwnIdentifier } from "./own-identifier.ts";
import { ReferenceBuilder } from "./reference-builder.ts";

const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** Slots of the table `ChunkRef`. */
const REFERENCE_SLOT = {
  index: 0,
  inline: 1,
  offset: 2,
  length: 3,
  chunkId: 4,
  location: 5,
  etag: 6,
  lastModified: 7,
  compressedLocation: 8,
} as const;
const SLOT_COUNT = 9;

/** Reads a manifest file. Errors: as {@link openEnvelope}, `CorruptFile`. */
export async function readManifest(file: Uint8Array, source: string, id: ObjectId): Promise<Manifest> {
  const { bytes } = await openEnvelope(file, FILE_TYPE.manifest, source);
  const reader = new FlatBufferReader(bytes, source);
  requireOwnIdentifier(reader, id, "this manifest");
  const root = reader.root();
  const dictionary = reader.byteVector(root, 2);
  const decode = dictionary && (await locationDecoder(dictionary, source));
  return new Manifest(reader, decode);
}

export class Manifest {
  readonly #reader: FlatBufferReader;
  readonly #arrays: VectorPosition;
  readonly #decode: ((frame: Uint8Array) => Uint8Array) | undefined;
  readonly #fields: TableFields;

  constructor(reader: FlatBufferReader, decode: ((frame: Uint8Array) => Uint8Array) | undefined) {
    this.#reader = reader;
    this.#decode = decode;
    this.#fields = new TableFields(reader, SLOT_COUNT);
    this.#arrays = reader.requiredVector(reader.root(), 1, 4, "arrays");
  }

  /** Bytes held in memory. */
  get byteLength(): number {
    return this.#reader.bytes.length;
  }

  /** The arrays that have references here. */
  nodeIds(): NodeId[] {
    this.#reader.charge(8 * this.#arrays.count);
    return Array.from({ length: this.#arrays.count }, (_, i) => encodeIdentifier(this.#nodeId(i)));
  }

  #nodeId(i: number): Uint8Array {
    const reader = this.#reader;
    const table = reader.follow(this.#arrays.start + 4 * i);
    return reader.slice(reader.required(table, 0, "a node's id"), NODE_ID_BYTES);
  }

  /** Where the references of an array are; undefined where it has none here. */
  array(nodeId: NodeId): VectorPosition | undefined {
    const wanted = decodeIdentifier(nodeId, NODE_ID_BYTES);
    let low = 0;
    let high = this.#arrays.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareBytes(this.#nodeId(middle), wanted);
      if (order === 0) {
        const table = this.#reader.follow(this.#arrays.start + 4 * middle);
        return this.#reader.requiredVector(table, 1, 4, "references");
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /**
   * Finds the reference of a chunk: its table's position; -1 where there is none.
   *
   * @param guess index at which it probably is
   */
  find(array: VectorPosition, coordinates: Uint32Array, at: number, rank: number, guess: number): number {
    let low = 0;
    let high = array.count;
    let middle = guess >= 0 && guess < high ? guess : (low + high) >>> 1;
    while (low < high) {
      const table = this.#reader.follow(array.start + 4 * middle);
      const order = this.#compare(table, coordinates, at, rank);
      if (order === 0) return table;
      if (order < 0) low = middle + 1;
      else high = middle;
      middle = (low + high) >>> 1;
    }
    return -1;
  }

  #index(table: number, rank: number): number {
    const { start, count } = this.#reader.requiredVector(
      table,
      REFERENCE_SLOT.index,
      4,
      "a chunk's coordinates",
    );
    if (count !== rank) throw this.#reader.corrupt(`${count} chunk coordinates for ${rank} axes`, table);
    return start;
  }

  #compare(table: number, coordinates: Uint32Array, at: number, rank: number): number {
    const index = this.#index(table, rank);
    for (let axis = 0; axis < rank; axis++) {
      const difference = this.#reader.u32(index + 4 * axis) - (coordinates[at + axis] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** Adds the reference in a table to columns. */
  copy(table: number, builder: ReferenceBuilder): void {
    const reader = this.#reader;
    const fields = this.#fields.of(table);
    const offset = fields[REFERENCE_SLOT.offset] ?? 0;
    const length = fields[REFERENCE_SLOT.length] ?? 0;
    const first = offset === 0 ? 0 : reader.u64(table + offset);
    const bytes = length === 0 ? 0 : reader.u64(table + length);
    const chunkId = fields[REFERENCE_SLOT.chunkId] ?? 0;
    const hasLocation = fields[REFERENCE_SLOT.compressedLocation] || fields[REFERENCE_SLOT.location];
    const inline = fields[REFERENCE_SLOT.inline] ?? 0;
    if (chunkId !== 0) {
      reader.slice(table + chunkId, OBJECT_ID_BYTES);
      builder.addNative(reader.bytes, table + chunkId, first, bytes);
    } else if (hasLocation) {
      builder.addVirtual(this.#object(table, fields, builder), first, bytes);
    } else if (inline !== 0) {
      const { start, count } = reader.vectorAt(reader.follow(table + inline), 1);
      builder.addInline(builder.addFileBuffer(reader.bytes), start, count);
    } else {
      throw reader.corrupt("a reference points nowhere", table);
    }
  }

  // Neighbours mostly lie in one object: what was found last is compared before anything is decoded.
  #lastBuilder: ReferenceBuilder | undefined;
  #lastLocation: Uint8Array = new Uint8Array(0);
  #lastStart = -1;
  #lastText = "";
  #lastEtag: string | undefined;
  #lastModified: number | undefined;
  #lastIndex = 0;

  #object(table: number, fields: Uint16Array, builder: ReferenceBuilder): number {
    const reader = this.#reader;
    const compressed = fields[REFERENCE_SLOT.compressedLocation] ?? 0;
    const field = compressed || (fields[REFERENCE_SLOT.location] ?? 0);
    const { start, count } = reader.vectorAt(reader.follow(table + field), 1);
    const location = reader.slice(start, count);
    const etagField = fields[REFERENCE_SLOT.etag] ?? 0;
    const etag = etagField === 0 ? undefined : this.#text(reader.follow(table + etagField));
    const timeField = fields[REFERENCE_SLOT.lastModified] ?? 0;
    const lastModified = (timeField === 0 ? 0 : reader.u32(table + timeField)) || undefined;
    // Writers that share strings point to the very same bytes.
    const sameLocation =
      start === this.#lastStart ||
      (compareBytes(location, this.#lastLocation) === 0 && this.#lastLocation.length > 0);
    const same = sameLocation && etag === this.#lastEtag && lastModified === this.#lastModified;
    if (same && builder === this.#lastBuilder) return this.#lastIndex;
    if (!sameLocation) {
      this.#lastText = TEXT.decode(compressed !== 0 ? this.#unpackLocation(location, table) : location);
      this.#lastLocation = location;
    }
    this.#lastStart = start;
    this.#lastEtag = etag;
    this.#lastModified = lastModified;
    this.#lastBuilder = builder;
    this.#lastIndex = builder.addVirtualObject({ location: this.#lastText, etag, lastModified });
    return this.#lastIndex;
  }

  #text(position: number): string {
    const { start, count } = this.#reader.vectorAt(position, 1);
    return TEXT.decode(this.#reader.slice(start, count));
  }

  #unpackLocation(frame: Uint8Array, table: number): Uint8Array {
    if (!this.#decode) throw this.#reader.corrupt("a compressed location, but no dictionary", table);
    return this.#decode(frame);
  }

  /** Calls back with every reference's table, array after array, as they stand in the file. */
  forEachReference(visit: (nodeId: Uint8Array, table: number) => void): void {
    for (let i = 0; i < this.#arrays.count; i++) {
      const nodeId = this.#nodeId(i);
      const table = this.#reader.follow(this.#arrays.start + 4 * i);
      const { start, count } = this.#reader.requiredVector(table, 1, 4, "references");
      for (let k = 0; k < count; k++) visit(nodeId, this.#reader.follow(start + 4 * k));
    }
  }

  /** Calls back with the identifier of every native chunk's object: bytes, and where it stands in them. */
  forEachChunkObject(visit: (bytes: Uint8Array, at: number) => void): void {
    this.forEachReference((_, table) => {
      const field = this.#fields.of(table)[REFERENCE_SLOT.chunkId] ?? 0;
      if (field === 0) return;
      this.#reader.slice(table + field, OBJECT_ID_BYTES);
      visit(this.#reader.bytes, table + field);
    });
  }

  /**
   * The references of an array as columns.
   *
   * @param box for each axis the first coordinate wanted and the one after the last; the rest is left out, as is
   *   what lies outside the grid, which an array that shrank leaves behind
   */
  references(nodeId: NodeId, gridShape: readonly number[], box: Uint32Array): ChunkReferences {
    const columns = new PositionedBuilder(this.array(nodeId)?.count ?? 0);
    this.collect(nodeId, gridShape, box, columns);
    return columns.finish(gridShape);
  }

  /** Adds the references of an array to columns, in which all come before them; see {@link references}. */
  collect(
    nodeId: NodeId,
    gridShape: readonly number[],
    box: Uint32Array,
    { builder, positions }: PositionedBuilder,
  ): void {
    const rank = gridShape.length;
    const reader = this.#reader;
    const strides = gridStrides(gridShape);
    const array = this.array(nodeId) ?? { start: 0, count: 0 };
    const coordinates = new Uint32Array(rank);
    let before = builder.count === 0 ? -1 : (positions[builder.count - 1] ?? -1);
    for (let i = 0; i < array.count; i++) {
      const table = reader.follow(array.start + 4 * i);
      const index = this.#index(table, rank);
      let wanted = true;
      for (let axis = 0; axis < rank; axis++) {
        const coordinate = reader.u32(index + 4 * axis);
        coordinates[axis] = coordinate;
        if (coordinate < (box[2 * axis] ?? 0) || coordinate >= (box[2 * axis + 1] ?? 0)) wanted = false;
      }
      const position = wanted ? positionOf(coordinates, 0, gridShape, strides) : -1;
      if (position < 0) continue;
      if (position <= before) throw reader.corrupt("references are not in order", table);
      before = position;
      positions[builder.count] = position;
      this.copy(table, builder);
    }
  }
}

/** Columns that are filled, and the place of each entry in the grid. */
export class PositionedBuilder {
  readonly builder: ReferenceBuilder;
  readonly positions: Float64Array;

  /** @param capacity most entries that will be added */
  constructor(capacity: number) {
    this.builder = new ReferenceBuilder(capacity);
    this.positions = new Float64Array(capacity);
  }

  finish(gridShape: readonly number[]): ChunkReferences {
    return this.builder.finish(gridShape, this.positions);
  }
}
