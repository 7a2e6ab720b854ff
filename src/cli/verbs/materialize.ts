/**
 * `moraine materialize`: virtual chunks become native ones.
 *
 * @module
 */

import { materialize as materializeChunks } from "../../dataset/materialize.ts";
import { parseWhere } from "../../dataset/where.ts";
import { chunkLengths } from "../chunk-lengths.ts";
import { formatBytes, formatCount, ProgressLine } from "../progress.ts";
import { openRepository } from "../repository-words.ts";

import { parseBytes, type Verb } from "../verb.ts";

export const materialize: Verb = {
  name: "materialize",
  synopsis: "REPOSITORY [PATH]",
  summary:
    "Copy virtual chunks into the repository, region by region; values stay the same, which is proved first.",
  options: [
    {
      name: "where",
      value: "CONDITIONS",
      help: 'a part: "time=2020-01..2020-12" or "time=0:10,lat=-10..10"',
    },
    { name: "budget", value: "SIZE", help: "encoded bytes that one commit copies (default 1GiB)" },
    { name: "commits", value: "N", help: "stop after so many commits; the next call goes on" },
    { name: "chunks", value: "LENGTHS", help: 'rewrite arrays with other chunks: "time=100,lat=90"' },
    { name: "shards", value: "LENGTHS", help: "rewrite arrays with shards of these lengths" },
    {
      name: "recompress",
      value: "CODEC",
      help: "rewrite arrays with zstd, gzip or none; zstd:5 names a level",
    },
    { name: "message", value: "TEXT", help: "of the commits" },
    { name: "branch", value: "NAME", help: "of the repository (default main)" },
  ],
  positionals: { minimum: 1, maximum: 2 },
  examples: [
    'moraine materialize archive.icechunk /sst --where "time=2020-01..2020-12"',
    "moraine materialize archive.icechunk /sst --shards time=1000 --recompress zstd",
  ],
  async run(words, context) {
    const repository = await openRepository(words, context);
    const [where, budget] = [words.text("where"), words.text("budget")];
    const line = new ProgressLine(context.interactive);
    try {
      const summary = await materializeChunks(repository, {
        signal: context.signal,
        path: words.positionals[1],
        where: where === undefined ? undefined : parseWhere(where),
        budget: budget === undefined ? undefined : parseBytes(budget, "budget"),
        commits: words.count("commits", 1),
        chunks: chunkLengths(words, "chunks"),
        shards: chunkLengths(words, "shards"),
        recompress: words.text("recompress"),
        message: words.text("message"),
        branch: words.text("branch"),
        onProgress: (progress) => line.show(progress),
      });
      line.clear();
      if (words.flag("json")) {
        await context.print(JSON.stringify(summary));
        return 0;
      }
      const { commits, chunks, bytes, remaining } = summary;
      for (const id of commits) await context.print(`commit ${id}`);
      await context.print(
        `${formatCount(chunks)} chunks made native (${formatBytes(bytes)}), ${formatCount(remaining)} left`,
      );
      return 0;
    } finally {
      line.clear();
    }
  },
};
