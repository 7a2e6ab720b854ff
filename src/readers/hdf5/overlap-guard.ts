/**
 * Keeps broken files from having the same bytes read over and over.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { MetadataSource } from "./metadata-source.ts";

/**
 * The nodes of a tree, or the chunks of object headers, do not overlap: each is reached once, and together they
 * have no more bytes than the file. Where they seem to, pointers lead back or into each other.
 */
export class OverlapGuard {
  readonly #metadata: MetadataSource;
  readonly #what: string;
  readonly #seen = new Set<number>();
  #left: number;

  /** @param what the structures, for the message */
  constructor(metadata: MetadataSource, what: string) {
    this.#metadata = metadata;
    this.#what = what;
    this.#left = metadata.size;
  }

  /** @throws `CorruptFile` */
  enter(address: number, length: number): void {
    this.#left -= length;
    if (this.#seen.has(address) || this.#left < 0) {
      const fault = this.#left < 0 ? "hold more bytes than the file" : "lead to one that was met before";
      throw new MoraineError("CorruptFile", `${this.#what} ${fault}`, {
        source: this.#metadata.source,
        offset: this.#metadata.base + address,
      });
    }
    this.#seen.add(address);
  }
}
