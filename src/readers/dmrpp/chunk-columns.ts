/**
 * The elements `dmrpp:chunk` of a variable: where the bytes of a chunk lie, and where in the array they belong.
 *
 * @module
 */

import type { XmlAttributes } from "../../binary/xml.ts";
import { MoraineError } from "../../errors.ts";

/** One number for each chunk in each column. */
export class ChunkColumns {
  readonly offsets: number[] = [];
  /** `nBytes`. */
  readonly lengths: number[] = [];
  /** `fm`, the filter mask of HDF5: bit `i` means that the `i`-th filter was left out. */
  readonly masks: number[] = [];
  /** Into {@link hrefs}; 0 is the data of the whole document. */
  readonly hrefIndexes: number[] = [];
  readonly hrefs: string[] = [""];
  readonly #hrefsSeen = new Map<string, number>([["", 0]]);
  /** Elements from the start of the array, all axes of a chunk side by side. */
  readonly positions: number[] = [];
  /** How many numbers a position has; 0 where none is given, undefined before the first chunk. */
  rank: number | undefined;
  /** Whether a chunk is made of linked blocks of HDF4. */
  linked = false;
  /** What is wrong with the first chunk that cannot be used. */
  fault: MoraineError | undefined;

  get count(): number {
    return this.offsets.length;
  }

  /** Adds what an element says; what cannot be used is kept as {@link fault}. */
  add(attributes: XmlAttributes): void {
    const offset = wholeNumber(attributes.get("offset"));
    const length = wholeNumber(attributes.get("nBytes"));
    const mask = wholeNumber(attributes.get("fm") ?? "0");
    const axes = positionOf(attributes.get("chunkPositionInArray") ?? "");
    if (offset === undefined || length === undefined || mask === undefined || mask > 0xffffffff) {
      this.fault ??= new MoraineError("InvalidMetadata", "a chunk without a usable offset, nBytes or fm");
      return;
    }
    if (axes === undefined || (this.rank ?? axes.length) !== axes.length) {
      this.fault ??= new MoraineError("InvalidMetadata", "a chunk without a usable chunkPositionInArray");
      return;
    }
    this.rank = axes.length;
    if (attributes.has("LinkedBlockIndex")) this.linked = true;
    this.offsets.push(offset);
    this.lengths.push(length);
    this.masks.push(mask);
    for (const axis of axes) this.positions.push(axis);
    this.hrefIndexes.push(this.#href(attributes.get("href") ?? ""));
  }

  #href(href: string): number {
    let index = this.#hrefsSeen.get(href);
    if (index === undefined) {
      index = this.hrefs.push(href) - 1;
      this.#hrefsSeen.set(href, index);
    }
    return index;
  }
}

/** A decimal number that a double holds exactly. */
export function wholeNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^ *\d+ *$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** `[0,10]`, as OPeNDAP's programs write it, or `0 10`, as the schema has it; nothing for a single chunk. */
function positionOf(text: string): number[] | undefined {
  const inner = /^ *\[(.*)\] *$/.exec(text)?.[1] ?? text;
  if (inner.trim() === "") return [];
  const numbers: number[] = [];
  for (const part of inner.trim().split(/ *, *| +/)) {
    const number = wholeNumber(part);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return numbers;
}
