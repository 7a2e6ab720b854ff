/**
 * Whether the chunks of a file stand in an index where they belong: right bytes in the wrong place are wrong.
 *
 * @module
 */

import type { OriginalChunk, OriginalChunks } from "./origin.ts";

/** Where the first chunk that was seen put a variable of a file. */
interface Placement {
  readonly variable: string;
  /** Elements from the variable's position in the file to that in the index, along each axis. */
  readonly shift: readonly number[];
}

/** Every chunk of a variable must be moved by the same number of elements. */
export class Placements {
  readonly #known = new Map<string, Placement>();

  /**
   * @param path of the array in the index
   * @param there first element of the chunk in the index
   * @param here first element of the chunk in the file
   * @returns what is wrong, in words
   */
  check(
    path: string,
    location: string,
    there: readonly number[],
    here: readonly number[],
    file: OriginalChunks,
    original: OriginalChunk,
  ): string | undefined {
    if (there.length !== here.length) return undefined;
    const own = path.slice(path.lastIndexOf("/"));
    if (!original.path.endsWith(own) && file.has(own)) return `the reference leads to ${original.path}`;
    const shift = there.map((start, axis) => start - (here[axis] ?? 0));
    const key = `${path}\n${location}`;
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { variable: original.path, shift });
      return undefined;
    }
    if (known.variable !== original.path) return `other chunks of this file are of ${known.variable}`;
    const isSame = shift.every((moved, axis) => moved === known.shift[axis]);
    return isSame ? undefined : "the chunk stands in another place of the array than its neighbours do";
  }
}
