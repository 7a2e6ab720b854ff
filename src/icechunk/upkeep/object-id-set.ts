/**
 * A set of chunk objects' identifiers for repositories with tens of millions of them: 12 bytes each and the free
 * places of the table, no objects.
 *
 * @module
 */

import { OBJECT_ID_BYTES } from "../format/identifier.ts";

const FIRST_CAPACITY = 1024;

export class ObjectIdSet {
  #size = 0;
  #table = new Uint8Array(FIRST_CAPACITY * OBJECT_ID_BYTES);
  #used = new Uint8Array(FIRST_CAPACITY);

  get size(): number {
    return this.#size;
  }

  /** Adds the identifier that stands at `at`; false where it is there already. */
  add(bytes: Uint8Array, at = 0): boolean {
    if (2 * this.#size >= this.#used.length) this.#grow();
    const slot = this.#slotOf(bytes, at);
    if (this.#used[slot] === 1) return false;
    this.#used[slot] = 1;
    this.#table.set(bytes.subarray(at, at + OBJECT_ID_BYTES), slot * OBJECT_ID_BYTES);
    this.#size += 1;
    return true;
  }

  has(bytes: Uint8Array, at = 0): boolean {
    return this.#used[this.#slotOf(bytes, at)] === 1;
  }

  /** Where an identifier is or would be. Identifiers are random, so their own bytes serve as their hash. */
  #slotOf(bytes: Uint8Array, at: number): number {
    const mask = this.#used.length - 1;
    const hash =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      if (this.#used[slot] === 0) return slot;
      let same = true;
      for (let i = 0; same && i < OBJECT_ID_BYTES; i++) {
        same = this.#table[slot * OBJECT_ID_BYTES + i] === bytes[at + i];
      }
      if (same) return slot;
    }
  }

  #grow(): void {
    const [table, used] = [this.#table, this.#used];
    this.#table = new Uint8Array(table.length * 2);
    this.#used = new Uint8Array(used.length * 2);
    this.#size = 0;
    for (let slot = 0; slot < used.length; slot++)
      if (used[slot] === 1) this.add(table, slot * OBJECT_ID_BYTES);
  }
}
