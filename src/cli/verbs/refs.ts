/**
 * `moraine refs`: every chunk reference.
 *
 * @module
 */

import { inspectSource } from "../../dataset/inspect.ts";
import { openSource } from "../../dataset/open.ts";
import { sharesToJson } from "../../dataset/provenance.ts";
import { references } from "../../dataset/references.ts";
import type { OpenedSource } from "../../dataset/source.ts";
import { shareLines } from "../output/shares.ts";
import { formatKinds } from "../progress.ts";
import { sourceOptions } from "../source-options.ts";
import { REF_OPTIONS, type Verb, type VerbContext } from "../verb.ts";

export const refs: Verb = {
  name: "refs",
  synopsis: "SOURCE [PATH]",
  summary: "Every chunk reference: coordinates, kind, location, offset, length, filter mask.",
  options: [
    {
      name: "summary",
      help: "a summary of each array instead: how much is virtual, native, inline, missing, where, and since which commit",
    },
    ...REF_OPTIONS,
  ],
  positionals: { minimum: 1, maximum: 2 },
  examples: [
    "moraine refs sst.nc /sst",
    "moraine refs archive.icechunk --summary",
    "moraine refs --json archive.icechunk | head",
  ],
  async run(words, context) {
    const [address = "", path] = words.positionals;
    const source = await openSource(address, sourceOptions(words, context));
    const json = words.flag("json");
    if (words.flag("summary")) return await summarize(source, path, json, context);
    let lines: string[] = [];
    try {
      for await (const reference of references(source, path, { signal: context.signal })) {
        if (json) {
          lines.push(JSON.stringify(reference));
        } else {
          const where = reference.location === undefined ? "" : `  ${reference.location}`;
          const range = reference.offset === undefined ? "" : `  ${reference.offset}+${reference.length}`;
          const mask = reference.filter_mask ? `  mask ${reference.filter_mask}` : "";
          lines.push(
            `${reference.path}  ${reference.coordinates.join("/") || "-"}  ${reference.kind}${where}${range}${mask}`,
          );
        }
        // A line at a time would cost more than finding the references does.
        if (lines.length >= 2000) {
          await context.print(lines.join("\n"));
          lines = [];
        }
      }
      if (lines.length > 0) await context.print(lines.join("\n"));
    } finally {
      await source.close();
    }
    return 0;
  },
};

async function summarize(
  source: OpenedSource,
  path: string | undefined,
  json: boolean,
  { print, signal }: VerbContext,
): Promise<0> {
  try {
    const { arrays } = await inspectSource(source, { path, signal });
    for (const { path: found, chunks, shares } of arrays) {
      if (json) {
        await print(JSON.stringify({ path: found, chunks, ...sharesToJson(shares) }));
        continue;
      }
      await print(
        [`${found}  ${formatKinds(chunks) || "none"}`, ...shareLines(shares).map((line) => `  ${line}`)].join(
          "\n",
        ),
      );
    }
  } finally {
    await source.close();
  }
  return 0;
}
