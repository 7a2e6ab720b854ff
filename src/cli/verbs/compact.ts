/**
 * `moraine compact`: repacks chunk objects that are mostly overwritten.
 *
 * @module
 */

import { compact as compactObjects } from "../../dataset/replace/compact.ts";
import { BUDGET, CAMPAIGN_OPTIONS, runCampaign } from "../campaign-words.ts";
import { UsageError, type Verb } from "../verb.ts";

export const compact: Verb = {
  name: "compact",
  synopsis: "REPOSITORY",
  summary:
    "Store the chunks that are left in mostly overwritten objects together in new ones; gc deletes the old.",
  options: [
    {
      name: "threshold",
      value: "PERCENT",
      help: "repack objects of which less is in use (default 50)",
    },
    BUDGET,
    ...CAMPAIGN_OPTIONS,
  ],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine compact archive.icechunk --threshold 25"],
  async run(words, context) {
    const [address = ""] = words.positionals;
    const percent = words.count("threshold", 1);
    if (percent !== undefined && percent > 100) throw new UsageError("--threshold takes 1 to 100");
    const threshold = percent === undefined ? {} : { threshold: percent / 100 };
    return await runCampaign(
      words,
      context,
      (options) => compactObjects(address, { ...options, ...threshold }),
      ({ objects, repacked }) => `: ${repacked} of ${objects} objects`,
    );
  },
};
