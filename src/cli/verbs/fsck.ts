/**
 * `moraine fsck`: checks a repository whole.
 *
 * @module
 */

import type { Finding } from "../../icechunk/upkeep/fsck.ts";
import { formatCount } from "../progress.ts";
import { openRepository } from "../repository-words.ts";
import { UsageError, type Verb } from "../verb.ts";

export const fsck: Verb = {
  name: "fsck",
  synopsis: "REPOSITORY",
  summary:
    "Check every file, reference and order rule of a repository; exit status 1 where something is wrong.",
  options: [
    {
      name: "restore",
      value: "SNAPSHOT",
      help: "put a commit that another program overwrote back, on a new branch",
    },
    { name: "branch", value: "NAME", help: "the new branch, with --restore" },
    {
      name: "forget",
      value: "SNAPSHOT",
      help: "tell no more of a commit that another program overwrote; gc may delete its files then",
      repeatable: true,
    },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: [
    "moraine fsck archive.icechunk",
    "moraine fsck archive.icechunk --restore SNAPSHOT --branch rescued",
    "moraine fsck archive.icechunk --forget SNAPSHOT",
  ],
  async run(words, context) {
    const [restore, branch] = [words.text("restore"), words.text("branch")];
    if ((restore === undefined) !== (branch === undefined)) {
      throw new UsageError("--restore SNAPSHOT and --branch NAME go together");
    }
    const repository = await openRepository(words, context);
    if (restore !== undefined && branch !== undefined) {
      await repository.restoreLostCommit(restore, branch, { signal: context.signal });
    }
    for (const id of words.texts("forget")) {
      await repository.forgetLostCommit(id, { signal: context.signal });
    }
    const { checked, findings } = await repository.fsck({ signal: context.signal });
    const wrong = findings.filter(({ severity }) => severity === "error").length;
    if (words.flag("json")) {
      const { snapshots, manifests, transactionLogs, references, nativeChunks } = checked;
      await context.print(
        JSON.stringify({
          checked: {
            snapshots,
            manifests,
            transaction_logs: transactionLogs,
            references,
            native_chunks: nativeChunks,
          },
          findings,
        }),
      );
    } else {
      for (const finding of findings) await context.print(textOf(finding));
      await context.print(
        `${checked.snapshots} snapshots, ${checked.manifests} manifests, ${checked.transactionLogs} transaction logs, ` +
          `${formatCount(checked.references)} references, ${formatCount(checked.nativeChunks)} chunk objects: ` +
          `${wrong} wrong, ${findings.length - wrong} to know`,
      );
    }
    return wrong === 0 ? 0 : 1;
  },
};

function textOf({ severity, code, message, source, path }: Finding): string {
  return `${severity}: ${code}: ${message} (${[source, path].filter((part) => part !== undefined).join(", ")})`;
}
