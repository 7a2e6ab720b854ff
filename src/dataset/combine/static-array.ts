/**
 * Arrays without the dimension along which sources are joined: taken once, and compared.
 *
 * @module
 */

import type { ChunkData } from "../../codecs/codec.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { Piece } from "./piece.ts";

/** Decoded bytes up to which values are compared; what is larger is taken from the first source, with a note. */
const COMPARED_BYTES = 64 * 1024 * 1024;
const CONCURRENT_READS = 32;

/**
 * Compares an array that should be the same everywhere.
 *
 * Errors: `Incompatible` where a shape or a value differs, naming both sources.
 *
 * @returns a note where values were too many to be compared
 */
export async function compareStatic(
  pieces: readonly Piece[],
  path: string,
  options: StorageOptions,
): Promise<string | undefined> {
  const [first, ...others] = pieces;
  if (first === undefined || others.length === 0) return undefined;
  const { shape, dataType } = first.metadata;
  const differs = (other: Piece, what: string): MoraineError =>
    new MoraineError(
      "Incompatible",
      `${what} than in ${first.source}, and it has not the dimension of the join; --compat override takes the first`,
      { source: other.source, path },
    );
  for (const other of others) {
    if (other.metadata.shape.join() !== shape.join()) {
      throw differs(other, `its shape is ${other.metadata.shape.join(" x ")}, other`);
    }
  }
  const bytes = shape.reduce((product, length) => product * length, itemSize(dataType) ?? 16);
  if (bytes > COMPARED_BYTES) {
    return `taken from ${first.source}; its ${bytes} bytes were not compared with those of ${others.length} other sources`;
  }
  const origin = shape.map(() => 0);
  const own = await first.region(origin, shape, options);
  await mapConcurrent(others, CONCURRENT_READS, async (other) => {
    const values = await other.region(origin, shape, options);
    if (!sameData(own, values)) throw differs(other, "it has other values");
  });
  return undefined;
}

function sameData(a: ChunkData, b: ChunkData): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const x = a[index];
    const y = b[index];
    if (x instanceof Uint8Array && y instanceof Uint8Array ? !sameData(x, y) : x !== y) return false;
  }
  return true;
}
