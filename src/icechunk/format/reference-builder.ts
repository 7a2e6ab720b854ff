/**
 * Fills columns of chunk references.
 *
 * @module
 */

import {
  type ChunkReferences,
  INLINE,
  MISSING,
  NATIVE,
  VIRTUAL,
  type VirtualObject,
} from "./chunk-references.ts";
import { OBJECT_ID_BYTES } from "./identifier.ts";

const NO_BYTES = new Uint8Array(0);

/** Fills columns entry by entry; entries must come in order. */
export class ReferenceBuilder {
  readonly kinds: Uint8Array;
  readonly objects: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Float64Array;
  readonly buffers: Uint8Array[] = [];
  readonly virtualObjects: VirtualObject[] = [];
  count = 0;
  #chunkIds: Uint8Array = NO_BYTES;
  #chunkIdCount = 0;
  /** Made when there is something to be found: most builders are for one chunk. */
  #virtualIndexes: Map<string, number> | undefined;
  /** For each source that was copied from, where its objects are here, plus one. */
  #copied: Map<ChunkReferences, { virtual: Uint32Array; buffers: Uint32Array }> | undefined;

  /** @param capacity most entries that will be added */
  constructor(capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.objects = new Uint32Array(capacity);
    this.offsets = new Float64Array(capacity);
    this.lengths = new Float64Array(capacity);
  }

  #add(kind: number, object: number, offset: number, length: number): void {
    const entry = this.count++;
    this.kinds[entry] = kind;
    this.objects[entry] = object;
    this.offsets[entry] = offset;
    this.lengths[entry] = length;
  }

  addMissing(): void {
    this.#add(MISSING, 0, 0, 0);
  }

  /** @param buffer index that {@link addBuffer} gave */
  addInline(buffer: number, offset: number, length: number): void {
    this.#add(INLINE, buffer, offset, length);
  }

  addBuffer(buffer: Uint8Array): number {
    return this.buffers.push(buffer) - 1;
  }

  /** Index of a buffer that many entries lie in, as those of one file do: the one before where it is the same. */
  addFileBuffer(buffer: Uint8Array): number {
    const last = this.buffers.length - 1;
    return last >= 0 && this.buffers[last] === buffer ? last : this.addBuffer(buffer);
  }

  /** @param ids bytes in which the chunk object's identifier stands at `at` */
  addNative(ids: Uint8Array, at: number, offset: number, length: number): void {
    const last = (this.#chunkIdCount - 1) * OBJECT_ID_BYTES;
    let same = last >= 0;
    for (let i = 0; same && i < OBJECT_ID_BYTES; i++) same = this.#chunkIds[last + i] === ids[at + i];
    if (!same) {
      const next = this.#chunkIdCount * OBJECT_ID_BYTES;
      if (next === this.#chunkIds.length) {
        const grown = new Uint8Array(Math.max(next * 2, 4 * OBJECT_ID_BYTES));
        grown.set(this.#chunkIds);
        this.#chunkIds = grown;
      }
      this.#chunkIds.set(ids.subarray(at, at + OBJECT_ID_BYTES), next);
      this.#chunkIdCount += 1;
    }
    this.#add(NATIVE, this.#chunkIdCount - 1, offset, length);
  }

  /** @param object index that {@link addVirtualObject} gave */
  addVirtual(object: number, offset: number, length: number): void {
    this.#add(VIRTUAL, object, offset, length);
  }

  /** Index of an object, one for all that are equal. */
  addVirtualObject(object: VirtualObject): number {
    const { virtualObjects } = this;
    if (virtualObjects.length === 0) return virtualObjects.push(object) - 1;
    this.#virtualIndexes ??= new Map(virtualObjects.map((known, i) => [keyOf(known), i]));
    const key = keyOf(object);
    let index = this.#virtualIndexes.get(key);
    if (index === undefined) {
      index = virtualObjects.push(object) - 1;
      this.#virtualIndexes.set(key, index);
    }
    return index;
  }

  /** Adds an entry of other columns. */
  copy(from: ChunkReferences, entry: number): void {
    const kind = from.kinds[entry] ?? MISSING;
    const object = from.objects[entry] ?? 0;
    const offset = from.offsets[entry] ?? 0;
    const length = from.lengths[entry] ?? 0;
    if (kind === NATIVE) this.addNative(from.chunkIds, object * OBJECT_ID_BYTES, offset, length);
    else if (kind === MISSING) this.addMissing();
    else this.#add(kind, this.#copiedIndex(from, kind, object), offset, length);
  }

  /** Adds all entries of other columns. */
  append({
    count,
    kinds,
    objects,
    offsets,
    lengths,
    chunkIds,
    buffers,
    virtualObjects,
  }: ChunkReferences): void {
    const at = this.count;
    this.kinds.set(kinds.subarray(0, count), at);
    this.offsets.set(offsets.subarray(0, count), at);
    this.lengths.set(lengths.subarray(0, count), at);
    const firstBuffer = this.buffers.length;
    const firstId = this.#chunkIdCount;
    for (const buffer of buffers) this.buffers.push(buffer);
    const ids = new Uint8Array(firstId * OBJECT_ID_BYTES + chunkIds.length);
    ids.set(this.#chunkIds.subarray(0, firstId * OBJECT_ID_BYTES));
    ids.set(chunkIds, firstId * OBJECT_ID_BYTES);
    this.#chunkIds = ids;
    this.#chunkIdCount = ids.length / OBJECT_ID_BYTES;
    const virtual = Uint32Array.from(virtualObjects, (object) => this.addVirtualObject(object));
    for (let entry = 0; entry < count; entry++) {
      const object = objects[entry] ?? 0;
      const kind = kinds[entry];
      this.objects[at + entry] =
        kind === VIRTUAL ? (virtual[object] ?? 0) : kind === NATIVE ? firstId + object : firstBuffer + object;
    }
    this.count = at + count;
  }

  /** Index here of an object of other columns. */
  #copiedIndex(from: ChunkReferences, kind: number, object: number): number {
    this.#copied ??= new Map();
    let copied = this.#copied.get(from);
    if (copied === undefined) {
      copied = {
        virtual: new Uint32Array(from.virtualObjects.length),
        buffers: new Uint32Array(from.buffers.length),
      };
      this.#copied.set(from, copied);
    }
    const indexes = kind === VIRTUAL ? copied.virtual : copied.buffers;
    let index = indexes[object] ?? 0;
    if (index === 0) {
      const added = kind === VIRTUAL ? from.virtualObjects[object] : from.buffers[object];
      if (added === undefined) throw new TypeError("a reference points to no object");
      index = 1 + (added instanceof Uint8Array ? this.addBuffer(added) : this.addVirtualObject(added));
      indexes[object] = index;
    }
    return index - 1;
  }

  /** @param positions of the entries; found to be dense where they are */
  finish(gridShape: readonly number[], positions: Float64Array): ChunkReferences {
    const { count } = this;
    const total = gridShape.reduce((product, length) => product * length, 1);
    const isFull = count === this.kinds.length;
    return {
      gridShape,
      count,
      positions: count === total ? undefined : positions.subarray(0, count),
      kinds: isFull ? this.kinds : this.kinds.subarray(0, count),
      objects: isFull ? this.objects : this.objects.subarray(0, count),
      offsets: isFull ? this.offsets : this.offsets.subarray(0, count),
      lengths: isFull ? this.lengths : this.lengths.subarray(0, count),
      buffers: this.buffers,
      chunkIds: this.#chunkIds.subarray(0, this.#chunkIdCount * OBJECT_ID_BYTES),
      virtualObjects: this.virtualObjects,
    };
  }
}

function keyOf({ location, etag, lastModified }: VirtualObject): string {
  return `${location}\n${etag ?? ""}\n${lastModified ?? ""}`;
}
