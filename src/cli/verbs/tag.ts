/**
 * `moraine tag`: lists, makes and deletes tags.
 *
 * @module
 */

import { openRepository } from "../repository-words.ts";
import { UsageError, type Verb } from "../verb.ts";
import { printRef, printRefs, snapshotOf } from "./branch.ts";

export const tag: Verb = {
  name: "tag",
  synopsis: "REPOSITORY [NAME [REF]]",
  summary:
    "The tags; with NAME makes one at REF (default main). A tag never moves, and its name is never used again.",
  options: [{ name: "delete", help: "delete the tag NAME" }],
  positionals: { minimum: 1, maximum: 3 },
  examples: [
    "moraine tag archive.icechunk",
    "moraine tag archive.icechunk v1",
    "moraine tag archive.icechunk v1 --delete",
  ],
  async run(words, context) {
    const [, name, ref] = words.positionals;
    const remove = words.flag("delete");
    if (name === undefined && remove) throw new UsageError("the NAME of the tag is missing");
    if (remove && ref !== undefined) throw new UsageError("--delete takes no REF");
    const repository = await openRepository(words, context);
    const { signal } = context;
    if (name === undefined) {
      await printRefs(await repository.listTags({ signal }), words, context);
    } else if (remove) {
      await repository.deleteTag(name, { signal });
      await printRef("tag", name, undefined, words, context);
    } else {
      const id = await snapshotOf(repository, ref, context);
      await repository.createTag(name, id, { signal });
      await printRef("tag", name, id, words, context);
    }
    return 0;
  },
};
