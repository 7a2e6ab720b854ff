/**
 * `moraine expire`: takes old snapshots out of the history.
 *
 * @module
 */

import { formatCounted } from "../progress.ts";
import { OLDER_THAN, olderThan, openRepository } from "../repository-words.ts";
import type { Verb } from "../verb.ts";

export const expire: Verb = {
  name: "expire",
  synopsis: "REPOSITORY --older-than TIME",
  summary: "Take old snapshots out of the history; gc deletes their files later.",
  options: [
    OLDER_THAN,
    { name: "delete-branches", help: "delete branches whose newest snapshot is that old, except main" },
    { name: "delete-tags", help: "delete tags of snapshots that old" },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine expire archive.icechunk --older-than 90d"],
  async run(words, context) {
    const rules = {
      olderThan: olderThan(words),
      deleteExpiredBranches: words.flag("delete-branches"),
      deleteExpiredTags: words.flag("delete-tags"),
    };
    const repository = await openRepository(words, context);
    const { released, deletedBranches, deletedTags } = await repository.expireSnapshots(rules, {
      signal: context.signal,
    });
    if (words.flag("json")) {
      await context.print(
        JSON.stringify({ released, deleted_branches: deletedBranches, deleted_tags: deletedTags }),
      );
      return 0;
    }
    await context.print(`${formatCounted(released.length, "snapshot")} expired`);
    for (const name of deletedBranches) await context.print(`branch ${name} deleted`);
    for (const name of deletedTags) await context.print(`tag ${name} deleted`);
    return 0;
  },
};
