/**
 * `moraine materialize`: virtual chunks become native.
 *
 * @module
 */

import { materialize as materializeChunks } from "../../dataset/replace/materialize.ts";
import { rewrite } from "../../dataset/replace/rewrite.ts";
import { changesForm } from "../../dataset/storage-form.ts";
import { BUDGET, CAMPAIGN_OPTIONS, runCampaign, WHERE } from "../campaign-words.ts";
import { chunkLengths } from "../chunk-lengths.ts";
import { UsageError, type Verb, type VerbOption } from "../verb.ts";

/** Options that choose another encoding. */
const ENCODING_OPTIONS: readonly VerbOption[] = [
  {
    name: "recompress",
    value: "NAME",
    help: "encode the values anew: zstd, gzip or none, with a level: zstd:9",
  },
  { name: "chunks", value: "LENGTHS", help: 'in chunks of these lengths: "time=24,lat=100"' },
  { name: "shards", value: "LENGTHS", help: "in shards of these lengths, which hold many chunks" },
];

export const materialize: Verb = {
  name: "materialize",
  synopsis: "REPOSITORY [PATH]",
  summary:
    "Make virtual chunks native, commit after commit; can be stopped and taken up again. With another encoding the whole array is stored anew.",
  options: [WHERE, BUDGET, ...ENCODING_OPTIONS, ...CAMPAIGN_OPTIONS],
  positionals: { minimum: 1, maximum: 2 },
  examples: [
    'moraine materialize archive.icechunk /sst --where "time=2020-01..2020-12" --budget 1GiB',
    "moraine materialize archive.icechunk /sst --recompress zstd --chunks time=24 --shards time=240",
  ],
  async run(words, context) {
    const [address = "", path] = words.positionals;
    const form = {
      chunks: chunkLengths(words, "chunks"),
      shards: chunkLengths(words, "shards"),
      recompress: words.text("recompress"),
    };
    return await runCampaign(words, context, async (options) => {
      if (!changesForm(form)) return await materializeChunks(address, { ...options, path });
      if (options.where !== undefined)
        throw new UsageError("another encoding is for whole arrays: leave --where out");
      return await rewrite(address, { ...options, ...form, path });
    });
  },
};
