/**
 * `moraine verify`: an index against what other readers get from the original files.
 *
 * @module
 */

import { verify as verifyTarget } from "../../dataset/verify/verify.ts";
import { formatCounted, ProgressLine } from "../progress.ts";
import { sourceOptions } from "../source-options.ts";
import { REF_OPTIONS, type Verb } from "../verb.ts";

export const verify: Verb = {
  name: "verify",
  synopsis: "TARGET",
  summary: "Read chunks through the references and compare them with what libhdf5 and netcdfjs read.",
  options: [
    { name: "sample", value: "N", help: "compare so many chunks of each array instead of all" },
    ...REF_OPTIONS,
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine verify archive.icechunk --sample 10"],
  async run(words, context) {
    const [target = ""] = words.positionals;
    const line = new ProgressLine(context.interactive);
    const summary = await verifyTarget(target, {
      ...sourceOptions(words, context),
      sample: words.count("sample", 1),
      onProgress: (progress) => line.show(progress),
    });
    line.clear();
    const { arrays, equal, different, notCompared } = summary;
    if (words.flag("json")) {
      const { notCompared: not_compared, ...rest } = summary;
      await context.print(JSON.stringify({ ...rest, not_compared }));
    } else {
      for (const { path, coordinates, source, sourcePath, reason } of different) {
        await context.print(`DIFFERS  ${path} ${coordinates.join("/")}: ${reason} (${source} ${sourcePath})`);
      }
      for (const { path, reason, chunks } of notCompared) {
        await context.print(`not compared  ${path}: ${chunks} chunks: ${reason}`);
      }
      await context.print(
        `${formatCounted(arrays, "array")}: ${equal} chunks equal, ${different.length} differ`,
      );
    }
    return different.length > 0 ? 1 : 0;
  },
};
