/**
 * `moraine replace`: new values in the place of old ones.
 *
 * @module
 */

import { replace as replaceValues } from "../../dataset/replace/replace.ts";
import { CAMPAIGN_OPTIONS, runCampaign, WHERE } from "../campaign-words.ts";
import { UsageError, type Verb } from "../verb.ts";

export const replace: Verb = {
  name: "replace",
  synopsis: "REPOSITORY [PATH] --from SOURCE",
  summary:
    "Replace values by those of another source, placed by their coordinates; the chunks they touch become native.",
  options: [
    { name: "from", value: "SOURCE", help: "the new data: NetCDF, HDF5, Zarr, references, .npy" },
    WHERE,
    ...CAMPAIGN_OPTIONS,
  ],
  positionals: { minimum: 1, maximum: 2 },
  examples: [
    'moraine replace archive.icechunk --from corrected.nc --where "time=2020-01..2020-12"',
    'moraine replace archive.icechunk /sst --from sst.zarr --message "second version"',
    "moraine replace archive.icechunk /sst --from day-7.npy --where time=7:8",
  ],
  async run(words, context) {
    const [address = "", path] = words.positionals;
    const from = words.text("from");
    if (from === undefined) throw new UsageError("--from SOURCE is needed: the new data");
    return await runCampaign(
      words,
      context,
      (options) => replaceValues(address, from, { ...options, path }),
      ({ passedOver }) => (passedOver.length > 0 ? `; not used: ${passedOver.join(", ")}` : ""),
    );
  },
};
