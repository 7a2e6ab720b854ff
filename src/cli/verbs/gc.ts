/**
 * `moraine gc`: deletes files that no history leads to.
 *
 * @module
 */

import { formatBytes } from "../progress.ts";
import { OLDER_THAN, olderThan, openRepository } from "../repository-words.ts";
import type { Verb } from "../verb.ts";

export const gc: Verb = {
  name: "gc",
  synopsis: "REPOSITORY --older-than TIME",
  summary: "Delete files that no branch or tag leads to and that were stored before TIME.",
  options: [OLDER_THAN, { name: "dry-run", help: "only tell what would be deleted" }],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine gc archive.icechunk --older-than 7d --dry-run"],
  async run(words, context) {
    const cutoff = olderThan(words);
    const dryRun = words.flag("dry-run");
    const repository = await openRepository(words, context);
    const deleted = await repository.garbageCollect({ olderThan: cutoff, dryRun, signal: context.signal });
    const { snapshots, transactionLogs, manifests, chunks, bytes } = deleted;
    if (words.flag("json")) {
      await context.print(
        JSON.stringify({
          dry_run: dryRun,
          snapshots,
          transaction_logs: transactionLogs,
          manifests,
          chunks,
          bytes,
        }),
      );
      return 0;
    }
    await context.print(
      `${dryRun ? "would delete" : "deleted"} ${formatBytes(bytes)}: ${snapshots.count} snapshots, ` +
        `${transactionLogs.count} transaction logs, ${manifests.count} manifests, ${chunks.count} chunk objects`,
    );
    return 0;
  },
};
