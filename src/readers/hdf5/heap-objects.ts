/**
 * What elements point to in the global heap: strings and sequences of variable length, selections of regions
 * (specification 4.0, III.E "Global Heap", IV.A.2.d class 9 "Variable-Length").
 *
 * @module
 */

import { Cursor } from "../../binary/cursor.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { Datatype } from "./datatype.ts";
import type { GlobalHeapReference, Hdf5File } from "./hdf5-file.ts";

/** Elements as they are stored, one after another. */
export interface StoredElements {
  readonly datatype: Datatype;
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** An element that points into the global heap. */
export interface HeapPointer extends GlobalHeapReference {
  /** Elements of the base datatype, or bytes of a string. */
  readonly length: number;
}

/** What a reference of a datatype of version 4 says of itself in its first byte (`H5R_type_t`). */
export const REFERENCE_TYPE = { object2: 2, region2: 3, attribute: 4 } as const;

/** Whether something in an element lies in the global heap. */
export function usesHeap(datatype: Datatype): boolean {
  switch (datatype.class) {
    case "variable-string":
    case "sequence":
      return true;
    case "reference":
      return datatype.kind !== "object";
    case "compound":
      return datatype.members.some((member) => usesHeap(member.datatype));
    case "array":
      return usesHeap(datatype.base);
    default:
      return false;
  }
}

/** The objects that some elements point to, fetched together and remembered. */
export class HeapObjects {
  readonly file: Hdf5File;
  /** By the address of the collection and the index in it. */
  readonly #objects = new Map<number, Map<number, Uint8Array | MoraineError>>();

  constructor(file: Hdf5File) {
    this.file = file;
  }

  /** Fetches what the elements point to, and what that points to: a round for each level of nesting. */
  async load(elements: readonly StoredElements[], options?: StorageOptions): Promise<void> {
    let level = elements.filter(({ datatype }) => usesHeap(datatype));
    while (level.length > 0) {
      const wanted = new Map<number, Map<number, HeapPointer>>();
      const sequences: { pointer: HeapPointer; base: Datatype }[] = [];
      // What is pointed to more than once is looked at once: a file may make that exponentially many.
      const seen = new Map<Datatype, Set<string>>();
      const found = (pointer: HeapPointer, base: Datatype | undefined): void => {
        const { address, index, length } = pointer;
        if (!this.#objects.get(address)?.has(index)) {
          const members = wanted.get(address) ?? new Map<number, HeapPointer>();
          wanted.set(address, members.set(index, pointer));
        }
        if (!base || !usesHeap(base)) return;
        const known = seen.get(base) ?? new Set();
        const key = `${address} ${index} ${length}`;
        if (!known.has(key)) sequences.push({ pointer, base });
        seen.set(base, known.add(key));
      };
      for (const { datatype, bytes, count } of level) {
        for (let i = 0; i < count; i++) this.#visit(datatype, bytes, i * datatype.size, found);
      }
      const pointers = [...wanted.values()].flatMap((members) => [...members.values()]);
      const objects = pointers.length > 0 ? await this.file.globalHeapObjects(pointers, options) : [];
      for (const [i, object] of objects.entries()) {
        const { address = 0, index = 0 } = pointers[i] ?? {};
        const members = this.#objects.get(address) ?? new Map<number, Uint8Array | MoraineError>();
        this.#objects.set(address, members.set(index, object));
      }
      level = sequences.flatMap(({ pointer, base }) => {
        const object = this.#objects.get(pointer.address)?.get(pointer.index);
        if (!(object instanceof Uint8Array)) return [];
        const count = Math.min(pointer.length, Math.floor(object.length / base.size));
        return [{ datatype: base, bytes: object, count }];
      });
    }
  }

  /** The object behind a pointer that was loaded; throws its fault. */
  object({ address, index }: GlobalHeapReference): Uint8Array {
    const object = this.#objects.get(address)?.get(index);
    if (object instanceof Uint8Array) return object;
    throw (
      object ??
      new MoraineError("CorruptFile", `object ${index} of the global heap at ${address} is missing`, {
        source: this.file.metadata.source,
        offset: this.file.metadata.base + address,
      })
    );
  }

  /**
   * The pointer that an element is; undefined for one that points nowhere: an empty string or sequence.
   *
   * @param at position of the element in `bytes`
   */
  pointer(bytes: Uint8Array, at: number): HeapPointer | undefined {
    const cursor = this.#cursor(bytes, at);
    const length = cursor.u32();
    const reference = this.#reference(cursor);
    if (length === 0 || reference === undefined) return undefined;
    return { address: reference.address, index: reference.index, length };
  }

  /** Where the rest of a reference lies; undefined for those that are whole, and for references to nothing. */
  referencePointer(
    { kind }: Extract<Datatype, { class: "reference" }>,
    bytes: Uint8Array,
    at: number,
  ): GlobalHeapReference | undefined {
    if (kind === "object") return undefined;
    if (kind === "region") return this.#reference(this.#cursor(bytes, at));
    const cursor = this.#cursor(bytes, at);
    const type = cursor.u8();
    if (type !== REFERENCE_TYPE.region2 && type !== REFERENCE_TYPE.attribute) return undefined;
    cursor.skip(1 + 4); // flags, bytes in the heap
    return this.#reference(cursor);
  }

  #cursor(bytes: Uint8Array, at: number): Cursor {
    const cursor = new Cursor(bytes, this.file.metadata);
    cursor.position = at;
    return cursor;
  }

  #reference(cursor: Cursor): GlobalHeapReference | undefined {
    const address = cursor.uintOrUndefined(this.file.metadata.offsetSize);
    const index = cursor.u32();
    return address === undefined || address === 0 || index === 0 ? undefined : { address, index };
  }

  #visit(
    datatype: Datatype,
    bytes: Uint8Array,
    at: number,
    found: (pointer: HeapPointer, base: Datatype | undefined) => void,
  ): void {
    switch (datatype.class) {
      case "variable-string":
      case "sequence": {
        const pointer = this.pointer(bytes, at);
        if (pointer) found(pointer, datatype.class === "sequence" ? datatype.base : undefined);
        return;
      }
      case "reference": {
        const pointer = this.referencePointer(datatype, bytes, at);
        if (pointer) found({ ...pointer, length: 0 }, undefined);
        return;
      }
      case "compound":
        for (const member of datatype.members) {
          if (usesHeap(member.datatype)) this.#visit(member.datatype, bytes, at + member.offset, found);
        }
        return;
      case "array": {
        const { base } = datatype;
        if (!usesHeap(base)) return;
        for (let from = at; from < at + datatype.size; from += base.size)
          this.#visit(base, bytes, from, found);
        return;
      }
    }
  }
}
