/**
 * `moraine diff`: what changed between two snapshots.
 *
 * @module
 */

import { type ChangedChunks, changedChunks } from "../../dataset/changed-chunks.ts";
import { sharesToJson } from "../../dataset/provenance.ts";
import type { Diff } from "../../icechunk/diff.ts";
import { shareLines } from "../output/shares.ts";
import { formatCount, formatKinds } from "../progress.ts";
import { openRepository, refOfWord } from "../repository-words.ts";
import type { Verb } from "../verb.ts";

/** Chunks of an array that a person is shown. */
const SHOWN = 8;

export const diff: Verb = {
  name: "diff",
  synopsis: "REPOSITORY FROM [TO]",
  summary: "What changed after FROM up to TO (default main): groups, arrays, metadata, chunks.",
  options: [
    {
      name: "chunks",
      help: "for each array where its changed chunks lay and lie, in which sources, and who wrote them",
    },
  ],
  positionals: { minimum: 2, maximum: 3 },
  examples: [
    "moraine diff archive.icechunk v1",
    "moraine diff archive.icechunk v1 --chunks",
    "moraine diff archive.icechunk v1 v2 --json",
  ],
  async run(words, context) {
    const [, from, to] = words.positionals;
    const repository = await openRepository(words, context);
    const [first, last] = [
      await refOfWord(repository, from, context),
      await refOfWord(repository, to, context),
    ];
    const found = await repository.diff(first, last, { signal: context.signal });
    if (words.flag("chunks")) {
      const changed = changedChunks(repository, first, last, { signal: context.signal });
      for await (const chunks of changed) {
        const lines = words.flag("json") ? [JSON.stringify(chunksToJson(chunks))] : describeChunks(chunks);
        for (const line of lines) await context.print(line);
      }
      return 0;
    }
    if (words.flag("json")) await context.print(JSON.stringify(diffToJson(found)));
    else for (const line of describe(found)) await context.print(line);
    return 0;
  },
};

function chunksToJson({ path, count, before, after, commits }: ChangedChunks): Record<string, unknown> {
  return {
    path,
    count,
    before: { chunks: before.chunks, ...sharesToJson(before.shares) },
    after: { chunks: after.chunks, ...sharesToJson(after.shares) },
    commits: commits.map(({ entry, chunks }) => ({
      snapshot: entry.id,
      time: entry.time.toISOString(),
      message: entry.message,
      chunks,
    })),
  };
}

function describeChunks({ path, count, before, after, commits }: ChangedChunks): string[] {
  const shown = commits.slice(0, SHOWN);
  return [
    `${path}  ${formatCount(count)} chunks: ${formatKinds(before.chunks)} -> ${formatKinds(after.chunks)}`,
    ...shareLines(before.shares).map((line) => `  before: ${line}`),
    ...shareLines(after.shares).map((line) => `  after:  ${line}`),
    ...shown.map(
      ({ entry, chunks }) =>
        `  ${formatCount(chunks)} by ${entry.id}  ${entry.time.toISOString()}  ${entry.message}`,
    ),
    ...(commits.length > shown.length ? [`  and by ${commits.length - shown.length} commits before`] : []),
  ];
}

function diffToJson(found: Diff): Record<string, unknown> {
  return {
    new_groups: found.newGroups,
    new_arrays: found.newArrays,
    deleted_groups: found.deletedGroups,
    deleted_arrays: found.deletedArrays,
    updated_groups: found.updatedGroups,
    updated_arrays: found.updatedArrays,
    updated_chunks: Object.fromEntries(found.updatedChunks),
    moved_nodes: found.moved,
  };
}

function* describe(found: Diff): Generator<string, void, undefined> {
  const kinds: [string, readonly string[]][] = [
    ["new group", found.newGroups],
    ["new array", found.newArrays],
    ["deleted group", found.deletedGroups],
    ["deleted array", found.deletedArrays],
    ["metadata of group", found.updatedGroups],
    ["metadata of array", found.updatedArrays],
  ];
  for (const [kind, paths] of kinds) for (const path of paths) yield `${kind}  ${path}`;
  for (const { from, to } of found.moved) yield `moved  ${from} -> ${to}`;
  for (const [path, chunks] of found.updatedChunks) {
    const shown = chunks.slice(0, SHOWN).map((chunk) => `[${chunk.join(", ")}]`);
    const more = chunks.length > SHOWN ? ` … ${chunks.length - SHOWN} more` : "";
    yield `chunks of  ${path}  ${chunks.length}: ${shown.join(" ")}${more}`;
  }
}
