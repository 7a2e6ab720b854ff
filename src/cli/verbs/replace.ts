/**
 * `moraine replace`: new data in the place of old data.
 *
 * @module
 */

import { replace as replaceData } from "../../dataset/replace.ts";
import { parseWhere } from "../../dataset/where.ts";
import { ProgressLine } from "../progress.ts";
import { openRepository } from "../repository-words.ts";
import { storageOptions } from "../storage-options.ts";
import { UsageError, type Verb } from "../verb.ts";

export const replace: Verb = {
  name: "replace",
  synopsis: "REPOSITORY --from NEWDATA",
  summary:
    "Write new data over old, matched by coordinates or positions, in one commit; history keeps the old.",
  options: [
    { name: "from", value: "NEWDATA", help: "any source: NetCDF, HDF5, Zarr, a repository" },
    { name: "where", value: "CONDITIONS", help: 'only this part: "time=2020-01..2020-12"' },
    {
      name: "path",
      value: "GROUP",
      help: "group of the repository that it is matched with (default the root)",
    },
    { name: "message", value: "TEXT", help: "of the commit" },
    { name: "branch", value: "NAME", help: "of the repository (default main)" },
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ['moraine replace archive.icechunk --from corrected.nc --where "time=2020-01..2020-12"'],
  async run(words, context) {
    const from = words.text("from");
    if (from === undefined) throw new UsageError("--from NEWDATA is needed: what to write");
    const repository = await openRepository(words, context);
    const where = words.text("where");
    const line = new ProgressLine(context.interactive);
    try {
      const summary = await replaceData(repository, from, {
        ...storageOptions(words),
        signal: context.signal,
        where: where === undefined ? undefined : parseWhere(where),
        path: words.text("path"),
        message: words.text("message"),
        branch: words.text("branch"),
        onProgress: (progress) => line.show(progress),
      });
      line.clear();
      if (words.flag("json")) {
        const { passedOver: passed_over, ...rest } = summary;
        await context.print(JSON.stringify({ ...rest, passed_over }));
        return 0;
      }
      for (const { path, start, shape } of summary.replaced) {
        await context.print(
          `${path}: ${shape.join("×")} elements from ${start.join(", ") || "the only one"}`,
        );
      }
      for (const { path, reason } of summary.passedOver)
        await context.print(`passed over ${path}: ${reason}`);
      await context.print(`commit ${summary.snapshot}`);
      return 0;
    } finally {
      line.clear();
    }
  },
};
