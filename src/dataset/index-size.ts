/**
 * What an index of an archive would take on disk as one repository, about: references, what each file adds, and arrays that
 * are stored decoded.
 *
 * @module
 */

import { itemSize } from "../data-types/data-type.ts";
import type { ArrayMetadata } from "../zarr/array-metadata.ts";

/** Bytes of a reference, in a manifest and in the log of the commit, compressed: 15 to 18 for chunks of irregular sizes. */
const REFERENCE_BYTES = 15;
/** Bytes of a source in the commit and among the locations. */
const FILE_BYTES = 50;
/** Bytes of a repository with nothing in it, and of the metadata of an array. */
const EMPTY_BYTES = 2500;
const ARRAY_BYTES = 200;
/** What compression leaves of decoded numbers. */
const COMPRESSED = 0.5;

/** Adds up what the files of an archive would take. */
export class IndexSize {
  #files = 0;
  #references = 0;
  #decoded = 0;
  /** Bytes of arrays that stand once, whatever file they come from. */
  readonly #once = new Map<string, number>();
  readonly #paths: Set<string> = new Set();

  addFile(): void {
    this.#files += 1;
  }

  addReferences(path: string, count: number): void {
    this.#paths.add(path);
    this.#references += count;
  }

  /**
   * An array that is stored decoded.
   *
   * @param grows whether it is a part of what the archive has, not the same in all files
   */
  addDecoded(path: string, { shape, dataType }: ArrayMetadata, grows: boolean): void {
    this.#paths.add(path);
    const bytes = COMPRESSED * shape.reduce((product, length) => product * length, itemSize(dataType) ?? 16);
    if (grows) this.#decoded += bytes;
    else this.#once.set(path, Math.max(this.#once.get(path) ?? 0, bytes));
  }

  get bytes(): number {
    let once = 0;
    for (const bytes of this.#once.values()) once += bytes;
    return Math.round(
      EMPTY_BYTES +
        this.#paths.size * ARRAY_BYTES +
        this.#files * FILE_BYTES +
        this.#references * REFERENCE_BYTES +
        this.#decoded +
        once,
    );
  }
}
