/**
 * `moraine blame`: which commit last wrote the chunks of an array.
 *
 * @module
 */

import { blame as blameChunks } from "../../dataset/blame.ts";
import { parseWhere } from "../../dataset/where.ts";
import { openRepository, refOfWord } from "../repository-words.ts";

import type { Verb } from "../verb.ts";

/** Files that a person reads of each commit; `--json` has all. */
const SHOWN = 3;

export const blame: Verb = {
  name: "blame",
  synopsis: "REPOSITORY PATH",
  summary: "Which commit last wrote the chunks of an array, and from what files.",
  options: [
    { name: "select", value: "CONDITIONS", help: 'a part: "time=0:10" or "time=2020-01..2020-12"' },
    { name: "ref", value: "NAME", help: "branch, tag or snapshot id (default main)" },
  ],
  positionals: { minimum: 2, maximum: 2 },
  examples: ['moraine blame archive.icechunk /sst --select "time=2020-01..2020-03"'],
  async run(words, context) {
    const repository = await openRepository(words, context);
    const select = words.text("select");
    const blames = await blameChunks(repository, words.positionals[1] ?? "/", {
      signal: context.signal,
      ref: await refOfWord(repository, words.text("ref"), context),
      where: select === undefined ? undefined : parseWhere(select),
    });
    for (const { snapshot, time, message, chunks, sources, ...kinds } of blames) {
      if (words.flag("json")) {
        await context.print(JSON.stringify({ snapshot, time, message, chunks, ...kinds, sources }));
        continue;
      }
      const counts = Object.entries(kinds)
        .filter(([, count]) => count > 0)
        .map(([kind, count]) => `${count} ${kind}`);
      await context.print(
        `${snapshot}  ${time.toISOString()}  ${chunks} chunks (${counts.join(", ")})  ${message}`,
      );
      for (const source of sources.slice(0, SHOWN)) await context.print(`    ${source}`);
      if (sources.length > SHOWN) await context.print(`    … and ${sources.length - SHOWN} more files`);
    }
    return 0;
  },
};
