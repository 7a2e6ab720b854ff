/**
 * The doubling table: how the space of a fractal heap is laid out in rows of blocks (specification 4.0, III.G
 * "Fractal Heap").
 *
 * The blocks of rows 0 and 1 have the starting size, those of each further row twice as much as those before.
 * Rows of blocks up to the largest direct size hold objects; those of later rows are indirect blocks, each a
 * table like this one over its own part of the space.
 *
 * @module
 */

import type { HeapHeader } from "./heap-header.ts";

export class DoublingTable {
  readonly width: number;
  /** Rows of direct blocks; indirect ones follow. */
  readonly directRows: number;
  readonly #start: number;
  /** Of the space that the first row covers. */
  readonly #firstRowBits: number;

  constructor(header: HeapHeader) {
    this.width = header.tableWidth;
    this.#start = header.startingBlockSize;
    this.directRows = Math.log2(header.largestDirectBlock) - Math.log2(header.startingBlockSize) + 2;
    this.#firstRowBits = Math.log2(header.startingBlockSize) + Math.log2(header.tableWidth);
  }

  /** Bytes of a block in a row. */
  blockSize(row: number): number {
    return row === 0 ? this.#start : this.#start * 2 ** (row - 1);
  }

  /** Offset of a row's first block from the start of the table's space. */
  rowOffset(row: number): number {
    return row === 0 ? 0 : this.width * this.#start * 2 ** (row - 1);
  }

  /** The block that holds a byte of the table's space. */
  locate(offset: number): { readonly row: number; readonly column: number } {
    const first = this.width * this.#start;
    const row = offset < first ? 0 : Math.floor(Math.log2(offset)) - this.#firstRowBits + 1;
    return { row, column: Math.floor((offset - this.rowOffset(row)) / this.blockSize(row)) };
  }

  /** Rows of the indirect block that a row's blocks are. */
  rowsBelow(row: number): number {
    return Math.log2(this.blockSize(row)) - this.#firstRowBits + 1;
  }
}
