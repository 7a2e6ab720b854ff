/**
 * `moraine log`: the history of a repository.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import type { HistoryEntry } from "../../icechunk/history.ts";
import { openRepository, refOfOptions } from "../repository-words.ts";
import { REF_OPTIONS, type Verb, type VerbArguments, type VerbContext } from "../verb.ts";

export const log: Verb = {
  name: "log",
  synopsis: "REPOSITORY",
  summary:
    "The snapshots of a branch, newest first; with --operations everything that was done to the repository.",
  options: [
    ...REF_OPTIONS,
    { name: "limit", value: "N", help: "at most so many" },
    { name: "operations", help: "the operations log instead: commits, refs, settings, upkeep" },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine log archive.icechunk", "moraine log archive.icechunk --ref v1 --limit 5 --json"],
  async run(words, context) {
    const limit = words.count("limit", 1) ?? Number.POSITIVE_INFINITY;
    const lines = words.flag("operations") ? operationLines(words, context) : historyLines(words, context);
    let count = 0;
    for await (const line of lines) {
      await context.print(line);
      if (++count >= limit) break;
    }
    return 0;
  },
};

async function* historyLines(
  words: VerbArguments,
  context: VerbContext,
): AsyncGenerator<string, void, undefined> {
  const repository = await openRepository(words, context);
  const { signal } = context;
  const refs = new Map<string, string[]>();
  const note = (id: string, name: string): unknown => refs.set(id, [...(refs.get(id) ?? []), name]);
  for (const [name, id] of await repository.listBranches({ signal })) note(id, name);
  for (const [name, id] of await repository.listTags({ signal })) note(id, `tag ${name}`);
  const ref = await refOfOptions(repository, words, context);
  for await (const entry of repository.ancestry(ref, { signal })) {
    const names = refs.get(entry.id) ?? [];
    yield words.flag("json") ? jsonOf(entry) : textOf(entry, names);
  }
}

function jsonOf({ id, parentId, time, message, metadata }: HistoryEntry): string {
  return stringifyJson({
    snapshot: id,
    parent: parentId ?? null,
    time: time.toISOString(),
    message,
    metadata,
  });
}

function textOf(entry: HistoryEntry, names: readonly string[]): string {
  const where = names.length > 0 ? `  (${names.join(", ")})` : "";
  const metadata = Object.keys(entry.metadata).length > 0 ? `  ${stringifyJson(entry.metadata)}` : "";
  return `${entry.id}  ${entry.time.toISOString()}  ${entry.message}${where}${metadata}`;
}

async function* operationLines(
  words: VerbArguments,
  context: VerbContext,
): AsyncGenerator<string, void, undefined> {
  const repository = await openRepository(words, context);
  for await (const { operation, updatedAt } of repository.operations({ signal: context.signal })) {
    const { kind, ...rest } = operation;
    const time = new Date(updatedAt / 1000).toISOString();
    if (words.flag("json")) yield JSON.stringify({ time, operation: kind, ...rest });
    else
      yield `${time}  ${kind}  ${Object.values(rest)
        .map((value) => JSON.stringify(value))
        .join(" ")}`.trimEnd();
  }
}
