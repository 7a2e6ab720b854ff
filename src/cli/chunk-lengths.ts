/**
 * Lengths of chunks as they are written on the command line: `time=100,lat=90`.
 *
 * @module
 */

import type { ChunkLengths } from "../dataset/storage-form.ts";
import { UsageError, type VerbArguments } from "./verb.ts";

/** The lengths of an option by dimension; undefined where it was not given. */
export function chunkLengths(words: VerbArguments, option: string): ChunkLengths | undefined {
  const text = words.text(option);
  if (text === undefined) return undefined;
  return Object.fromEntries(
    text.split(",").map((part): [string, number] => {
      const [, name = "", length = ""] = /^\s*([^=]+?)\s*=\s*([1-9]\d*)\s*$/.exec(part) ?? [];
      if (name === "") throw new UsageError(`--${option} takes NAME=LENGTH parts, not "${part}"`);
      return [name, Number(length)];
    }),
  );
}
