/**
 * The entries of the operations log that a `repo` file holds, read where they lie: most of what opens a repository
 * asks for the newest at the most.
 *
 * @module
 */

import type { FlatBufferReader, VectorPosition } from "./flatbuffer-reader.ts";
import { readUpdate, type Update } from "./update.ts";

/** Entries of the operations log, newest first. */
export interface Updates extends Iterable<Update> {
  readonly length: number;
  at(index: number): Update | undefined;
}

/** Errors of all methods: `CorruptFile`, `UnsupportedVersion` for an operation that is not known. */
export class StoredUpdates implements Updates {
  readonly #reader: FlatBufferReader;
  readonly #vector: VectorPosition;
  readonly #read = new Map<number, Update>();

  constructor(reader: FlatBufferReader, vector: VectorPosition) {
    this.#reader = reader;
    this.#vector = vector;
  }

  get length(): number {
    return this.#vector.count;
  }

  at(index: number): Update | undefined {
    if (!(index >= 0 && index < this.#vector.count)) return undefined;
    let update = this.#read.get(index);
    if (update === undefined) {
      update = readUpdate(this.#reader, this.#reader.follow(this.#vector.start + 4 * index));
      this.#read.set(index, update);
    }
    return update;
  }

  *[Symbol.iterator](): Iterator<Update, undefined, undefined> {
    for (let i = 0; i < this.#vector.count; i++) {
      const update = this.at(i);
      if (update) yield update;
    }
    return undefined;
  }
}
