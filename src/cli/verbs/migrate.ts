/**
 * `moraine migrate`: makes a repository of Icechunk's specification 1 one of specification 2.
 *
 * @module
 */

import { openRepository } from "../repository-words.ts";
import type { Verb } from "../verb.ts";

export const migrate: Verb = {
  name: "migrate",
  synopsis: "REPOSITORY",
  summary:
    "Make a repository of Icechunk's specification 1 one of specification 2; tells what it would do without --yes.",
  options: [
    { name: "yes", help: "do it; clients of Icechunk 1 cannot open the repository any more" },
    { name: "keep-refs", help: "leave the refs and the configuration of specification 1 where they are" },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine migrate archive.icechunk", "moraine migrate archive.icechunk --yes"],
  async run(words, context) {
    const dryRun = !words.flag("yes");
    const repository = await openRepository(words, context);
    const { signal } = context;
    const done = await repository.migrate({ dryRun, deleteOldRefs: !words.flag("keep-refs"), signal });
    if (words.flag("json")) {
      await context.print(JSON.stringify({ dry_run: dryRun, ...done }));
      return 0;
    }
    await context.print(
      `${dryRun ? "would migrate" : "migrated"} ${done.branches} branches, ${done.tags} tags, ${done.snapshots} snapshots` +
        (dryRun ? "; --yes does it" : ""),
    );
    return 0;
  },
};
