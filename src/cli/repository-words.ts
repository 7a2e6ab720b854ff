/**
 * Words that the verbs about repositories share: the repository, names of snapshots, ages.
 *
 * @module
 */

import { Repository } from "../dataset/repository.ts";
import type { Ref, SnapshotRef } from "../icechunk/history.ts";
import { storageOptions } from "./storage-options.ts";
import { parseTime, UsageError, type VerbArguments, type VerbContext, type VerbOption } from "./verb.ts";

/** Opens the repository that is the first word. */
export async function openRepository(words: VerbArguments, context: VerbContext): Promise<Repository> {
  return await Repository.open(words.positionals[0] ?? "", {
    ...storageOptions(words),
    signal: context.signal,
    onLostCommits(lost) {
      context.warn(
        `moraine: another program overwrote ${lost.length === 1 ? "a commit" : `${lost.length} commits`} of this repository; ` +
          "moraine fsck names them, and can put them back (--restore) or forget them (--forget)",
      );
    },
  });
}

/** What a name stands for; the branch main where none is given. */
export async function refOfWord(
  repository: Repository,
  name: string | undefined,
  context: VerbContext,
): Promise<SnapshotRef> {
  return name === undefined ? {} : await repository.refNamed(name, { signal: context.signal });
}

/** `--ref` and `--as-of`. */
export async function refOfOptions(
  repository: Repository,
  words: VerbArguments,
  context: VerbContext,
): Promise<Ref> {
  const asOf = words.text("as-of");
  const ref = await refOfWord(repository, words.text("ref"), context);
  return { ...ref, ...(asOf !== undefined && { asOf: parseTime(asOf) }) };
}

const MILLISECONDS: { readonly [unit: string]: number } = { m: 60e3, h: 3600e3, d: 86400e3, w: 604800e3 };

export const OLDER_THAN: VerbOption = {
  name: "older-than",
  value: "TIME",
  help: "a time (ISO 8601), or an age such as 30d, 12h, 90m, 2w",
};

/** `--older-than`: the time that is given, or as long ago as is given. */
export function olderThan(words: VerbArguments): Date {
  const text = words.text("older-than");
  if (text === undefined) throw new UsageError("--older-than TIME is needed: a time, or an age such as 30d");
  const age = /^(\d+)([mhdw])$/.exec(text);
  if (!age) return parseTime(text);
  return new Date(Date.now() - Number(age[1]) * (MILLISECONDS[age[2] ?? ""] ?? 0));
}
