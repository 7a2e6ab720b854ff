/**
 * Readers of legacy files that share no code with the ones here, to compare with.
 *
 * @module
 */

/** A value that both sides know: packed little-endian bytes, or texts. */
export type ComparedValues = Uint8Array | readonly string[];

/** Why a variable cannot be compared. */
export class NotComparable extends Error {
  override readonly name = "NotComparable";
}

/** An open file. */
export interface IndependentReader {
  /** Who reads: `libhdf5`, `netcdfjs`. */
  readonly name: string;
  /**
   * The elements of a box in C order. Errors: {@link NotComparable} for what it does not read, or is known to read
   * wrongly.
   *
   * @param path of the variable, with a slash in front
   */
  read(path: string, start: readonly number[], shape: readonly number[]): ComparedValues;
  close(): void;
}
