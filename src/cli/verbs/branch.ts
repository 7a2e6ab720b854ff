/**
 * `moraine branch`: lists, makes, moves and deletes branches.
 *
 * @module
 */

import type { Repository } from "../../dataset/repository.ts";
import { openRepository, refOfWord } from "../repository-words.ts";
import { UsageError, type Verb, type VerbArguments, type VerbContext } from "../verb.ts";

export const branch: Verb = {
  name: "branch",
  synopsis: "REPOSITORY [NAME [REF]]",
  summary: "The branches; with NAME makes one at REF (default main).",
  options: [
    { name: "reset", help: "let the branch NAME, which is there, point to REF" },
    { name: "delete", help: "delete the branch NAME" },
  ],
  positionals: { minimum: 1, maximum: 3 },
  examples: [
    "moraine branch archive.icechunk",
    "moraine branch archive.icechunk fix v1",
    "moraine branch archive.icechunk fix --delete",
  ],
  async run(words, context) {
    const [, name, ref] = words.positionals;
    const [reset, remove] = [words.flag("reset"), words.flag("delete")];
    if (reset && remove) throw new UsageError("--reset or --delete, not both");
    if (name === undefined && (reset || remove)) throw new UsageError("the NAME of the branch is missing");
    if (reset && ref === undefined)
      throw new UsageError("--reset needs the REF that the branch shall point to");
    if (remove && ref !== undefined) throw new UsageError("--delete takes no REF");
    const repository = await openRepository(words, context);
    const { signal } = context;
    if (name === undefined) {
      await printRefs(await repository.listBranches({ signal }), words, context);
    } else if (remove) {
      await repository.deleteBranch(name, { signal });
      await printRef("branch", name, undefined, words, context);
    } else {
      const id = await snapshotOf(repository, ref, context);
      if (reset) await repository.resetBranch(name, id, { signal });
      else await repository.createBranch(name, id, { signal });
      await printRef("branch", name, id, words, context);
    }
    return 0;
  },
};

/** The snapshot that a word names. */
export async function snapshotOf(
  repository: Repository,
  ref: string | undefined,
  context: VerbContext,
): Promise<string> {
  return await repository.resolve(await refOfWord(repository, ref, context), { signal: context.signal });
}

/** Prints refs: a line each, or one JSON object. */
export async function printRefs(
  refs: ReadonlyMap<string, string>,
  words: VerbArguments,
  context: VerbContext,
): Promise<void> {
  if (words.flag("json")) {
    await context.print(JSON.stringify(Object.fromEntries(refs)));
    return;
  }
  for (const [name, id] of refs) await context.print(`${id}  ${name}`);
}

/** Prints what a ref is now; a deleted one is nothing. */
export async function printRef(
  kind: "branch" | "tag",
  name: string,
  id: string | undefined,
  words: VerbArguments,
  context: VerbContext,
): Promise<void> {
  if (words.flag("json")) await context.print(JSON.stringify({ [kind]: name, snapshot: id ?? null }));
  else await context.print(id === undefined ? `${kind} ${name} deleted` : `${kind} ${name} at ${id}`);
}
