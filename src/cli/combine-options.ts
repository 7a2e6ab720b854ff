/**
 * Options that say how many sources become one dataset.
 *
 * @module
 */

import type { IndexOptions } from "../dataset/index/index.ts";
import { UsageError, type VerbArguments, type VerbOption } from "./verb.ts";

export const COMBINE_OPTIONS: readonly VerbOption[] = [
  { name: "concat", value: "DIM", help: "join the sources along a dimension, in the order given" },
  { name: "by-coords", help: "join the sources by the values of their coordinates" },
  { name: "append", value: "DIM", help: "add the sources to what the repository holds, along a dimension" },
  {
    name: "join",
    value: "RULE",
    help: "arrays that not all sources have: outer (default), inner, exact, override (those of the first)",
  },
  {
    name: "drift",
    value: "RULE",
    help: "sources whose encoding, type, packing or order of dimensions differs, also from what they are appended to: error (default), decode (store what differs in one form, where that is exact), split (a group each)",
  },
  {
    name: "attributes",
    value: "RULE",
    help: "attributes that differ: override (the first's, default), drop-conflicts, identical (else an error)",
  },
  {
    name: "compat",
    value: "RULE",
    help: "arrays without the dimension: equal (compared, default), override (the first's, unseen)",
  },
  { name: "grid", value: "KIND", help: "auto (default), or regular: no chunks of different lengths" },
  {
    name: "load",
    value: "NAMES",
    help: "arrays to be stored decoded in large chunks (default: one-dimensional coordinates)",
  },
];

/** The options as the library takes them. A {@link UsageError} for a word that is none of an option's. */
export function combineOptions(words: VerbArguments): Partial<IndexOptions> {
  const load = words.text("load");
  return {
    concat: words.text("concat"),
    byCoords: words.flag("by-coords"),
    append: words.text("append"),
    join: oneOf(words, "join", ["outer", "inner", "exact", "override"]),
    drift: oneOf(words, "drift", ["error", "decode", "split"]),
    attributes: oneOf(words, "attributes", ["override", "drop-conflicts", "identical"]),
    compat: oneOf(words, "compat", ["equal", "override"]),
    grid: oneOf(words, "grid", ["auto", "regular"]),
    ...(load !== undefined && { load: load.split(",").filter((name) => name !== "") }),
  };
}

/** The value of an option that is one of some words. */
export function oneOf<Word extends string>(
  words: VerbArguments,
  name: string,
  allowed: readonly Word[],
): Word | undefined {
  const given = words.text(name);
  const found = allowed.find((word) => word === given);
  if (given !== undefined && found === undefined) {
    throw new UsageError(`--${name} takes one of ${allowed.join(", ")}`);
  }
  return found;
}
