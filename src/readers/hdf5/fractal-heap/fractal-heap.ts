/**
 * Fractal heaps: where groups keep many links and objects many attributes (specification 4.0, III.G "Fractal
 * Heap").
 *
 * @module
 */

import { Cursor } from "../../../binary/cursor.ts";
import { MoraineError } from "../../../errors.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import { faultOf } from "../faults.ts";
import type { MetadataSource } from "../metadata-source.ts";
import { type HeapHeader, readHeapHeader, widthOf } from "./heap-header.ts";
import { HugeObjects } from "./huge-objects.ts";
import { ManagedObjects } from "./managed-objects.ts";

/** An object of a heap. */
export interface HeapObject {
  readonly bytes: Uint8Array;
  /** Of its first byte in the file, for errors; near it where the bytes were encoded. */
  readonly offset: number;
}

/** Kinds of objects, bits 4 and 5 of an identifier's first byte. */
const MANAGED = 0;
const HUGE = 1;
const TINY = 2;
/** Identifiers up to this length have the length of a tiny object in four bits. */
const SHORT_TINY_ID = 18;

/** One heap; what it has read it keeps for as long as it is used. */
export class FractalHeap {
  readonly #metadata: MetadataSource;
  readonly #header: HeapHeader;
  readonly #managed: ManagedObjects;
  readonly #huge: HugeObjects;
  readonly #offsetWidth: number;
  readonly #lengthWidth: number;

  private constructor(metadata: MetadataSource, header: HeapHeader) {
    this.#metadata = metadata;
    this.#header = header;
    this.#managed = new ManagedObjects(metadata, header);
    this.#huge = new HugeObjects(metadata, header);
    this.#offsetWidth = Math.ceil(header.offsetBits / 8);
    const blockWidth = Math.floor((Math.log2(header.largestDirectBlock) + 7) / 8);
    this.#lengthWidth = Math.min(blockWidth, widthOf(header.largestManaged));
  }

  /** @param address of the heap's header */
  static async open(
    metadata: MetadataSource,
    address: number,
    options: StorageOptions = {},
  ): Promise<FractalHeap> {
    return new FractalHeap(metadata, await readHeapHeader(metadata, address, options));
  }

  /**
   * The objects with these identifiers, as an index over the heap has them; a fault stands in its place. They are
   * found together: as many rounds as the heap is deep.
   *
   * Faults: `CorruptFile`, `ChecksumMismatch`, `UnsupportedFilter`, `UnsupportedVersion`, `LimitExceeded`.
   */
  async objects(
    ids: readonly Uint8Array[],
    options: StorageOptions = {},
  ): Promise<(HeapObject | MoraineError)[]> {
    const objects = new Array<HeapObject | MoraineError>(ids.length);
    const managed: { readonly at: number; readonly offset: number; readonly length: number }[] = [];
    const huge: Promise<void>[] = [];
    for (const [at, id] of ids.entries()) {
      try {
        const cursor = new Cursor(id, { source: this.#metadata.source });
        const first = this.#first(cursor);
        const kind = (first >> 4) & 3;
        if (kind === MANAGED) {
          const offset = cursor.uint(this.#offsetWidth);
          managed.push({ at, offset, length: cursor.uint(this.#lengthWidth) });
        } else if (kind === HUGE) {
          const reading = this.#huge.read(cursor, options).catch(faultOf);
          const keep = (object: HeapObject | MoraineError): void => {
            objects[at] = object;
          };
          huge.push(reading.then(keep));
        } else objects[at] = this.#tiny(first, cursor);
      } catch (error) {
        objects[at] = faultOf(error);
      }
    }
    const offsets = managed.map(({ offset }) => offset);
    await Promise.all([this.#managed.load(offsets, options), ...huge]);
    for (const { at, offset, length } of managed) {
      try {
        objects[at] = this.#managed.read(offset, length);
      } catch (error) {
        objects[at] = faultOf(error);
      }
    }
    return objects;
  }

  /** One object; throws its fault. */
  async object(id: Uint8Array, options: StorageOptions = {}): Promise<HeapObject> {
    const [object = new MoraineError("CorruptFile", "a missing heap object", this.#place)] =
      await this.objects([id], options);
    if (object instanceof MoraineError) throw object;
    return object;
  }

  /** The first byte of an identifier: version and kind. */
  #first(cursor: Cursor): number {
    const first = cursor.u8();
    if (first >> 6 === 0) return first;
    throw new MoraineError("UnsupportedVersion", `heap identifier of version ${first >> 6}`, this.#place);
  }

  #tiny(first: number, cursor: Cursor): HeapObject {
    if (((first >> 4) & 3) !== TINY) {
      throw new MoraineError("CorruptFile", "a heap object of no known kind", this.#place);
    }
    const long = this.#header.idLength > SHORT_TINY_ID;
    const length = long ? (first & 15) * 256 + cursor.u8() + 1 : (first & 15) + 1;
    return { bytes: cursor.take(length), offset: this.#place.offset };
  }

  get #place(): { readonly source: string; readonly offset: number } {
    return { source: this.#metadata.source, offset: this.#metadata.base + this.#header.address };
  }
}
