/**
 * `moraine refresh`: what changed or went of the files that a repository refers to.
 *
 * @module
 */

import { refresh as refreshSources } from "../../dataset/replace/refresh.ts";
import type { StaleSource } from "../../dataset/replace/stale-sources.ts";
import { CAMPAIGN_OPTIONS, runCampaign } from "../campaign-words.ts";
import { firstOf } from "../output/list.ts";
import { formatBytes, formatCounted } from "../progress.ts";
import { UsageError, type Verb } from "../verb.ts";

export const refresh: Verb = {
  name: "refresh",
  synopsis: "REPOSITORY [SOURCE...]",
  summary:
    "Index anew the sources that changed; what was written into the repository since stays. With --pin native copies take the place of what changed or went.",
  options: [
    { name: "dry-run", help: "only tell what changed and went; exit status 1 where anything did" },
    { name: "pin", help: "keep the last native copy of every chunk in these sources instead" },
    {
      name: "copy",
      value: "FILE",
      help: "with --pin: take the chunks from this file, the same byte for byte as the source was",
      repeatable: true,
    },
    {
      name: "from",
      value: "REF",
      help: "with --pin: take the native chunks of this branch, tag or snapshot",
    },
    ...CAMPAIGN_OPTIONS,
  ],
  positionals: { minimum: 1, maximum: Number.POSITIVE_INFINITY },
  examples: [
    "moraine refresh archive.icechunk --dry-run",
    "moraine refresh archive.icechunk",
    "moraine refresh archive.icechunk sst-2019.nc --pin --copy /backup/sst-2019.nc",
  ],
  async run(words, context) {
    const [address = "", ...sources] = words.positionals;
    const [pin, dryRun] = [words.flag("pin"), words.flag("dry-run")];
    const [copies, from] = [words.texts("copy"), words.text("from")];
    if (!pin && (copies.length > 0 || from !== undefined))
      throw new UsageError("--copy and --from go with --pin");
    if (copies.length > 0 && from !== undefined) throw new UsageError("either --copy or --from");
    let isStale = false;
    await runCampaign(
      words,
      context,
      async (options) => {
        const summary = await refreshSources(address, {
          ...options,
          ...(sources.length > 0 && { sources }),
          ...(copies.length > 0 && { copies }),
          from,
          pin,
          dryRun,
        });
        isStale = summary.stale.length > 0;
        return summary;
      },
      ({ stale, notes }) =>
        [
          `: ${stale.length === 0 ? "every source is what it was" : `${formatCounted(stale.length, "source")} changed or went`}`,
          ...firstOf(stale.map(describe)),
          ...firstOf(notes.map(({ path, note }) => `  ${path}: ${note}`)),
        ].join("\n"),
    );
    return dryRun && isStale ? 1 : 0;
  },
};

function describe({ source, state, chunks, bytes, paths }: StaleSource): string {
  const what = chunks === 0 ? "no references" : `${formatCounted(chunks, "chunk")}, ${formatBytes(bytes)}`;
  return `  ${state}: ${source} (${what}${paths.length === 0 ? "" : ` of ${paths.slice(0, 3).join(", ")}${paths.length > 3 ? " …" : ""}`})`;
}
