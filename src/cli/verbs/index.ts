/**
 * `moraine index`: references to the chunks of sources, written into a target.
 *
 * @module
 */

import { index as indexSources } from "../../dataset/index/index.ts";
import {
  type ChangedArray,
  type IndexSummary,
  summaryToJson,
  type TargetFormat,
} from "../../dataset/index/summary.ts";
import { chunkLengths } from "../chunk-lengths.ts";
import { COMBINE_OPTIONS, combineOptions, oneOf } from "../combine-options.ts";
import { printList } from "../output/list.ts";
import { formatBytes, formatCounted, formatDuration, formatKinds, ProgressLine } from "../progress.ts";
import { storageOptions } from "../storage-options.ts";
import { parseBytes, UsageError, type Verb, type VerbContext } from "../verb.ts";

const FORMATS: readonly TargetFormat[] = ["icechunk", "zarr", "kerchunk-json", "kerchunk-parquet"];

export const index: Verb = {
  name: "index",
  synopsis: "SOURCE... --to TARGET",
  summary: "Scan sources and write references to their chunks; into a repository it is one commit.",
  options: [
    {
      name: "to",
      value: "TARGET",
      help: "where to; its ending names its kind, anything else is a repository",
    },
    { name: "format", value: "KIND", help: "icechunk, zarr, kerchunk-json or kerchunk-parquet instead" },
    { name: "message", value: "TEXT", help: "of the commit" },
    { name: "branch", value: "NAME", help: "of the repository (default main)" },
    {
      name: "group",
      value: "PATH",
      help: "a new group of the target that takes everything (default the root)",
    },
    {
      name: "materialize-limit",
      value: "SIZE",
      help: "store arrays that cannot be virtual decoded up to this size (default 64MiB)",
    },
    {
      name: "describe",
      help: "store values that Zarr has no type for (references, ragged arrays) as texts",
    },
    { name: "virtual", help: "a Zarr store keeps references instead of copies; only moraine reads it then" },
    { name: "strict", help: "an array that would be left out is an error" },
    { name: "chunks", value: "LENGTHS", help: 'store anew with other chunks: "time=100,lat=90"' },
    { name: "shards", value: "LENGTHS", help: "store anew with shards of these lengths" },
    { name: "recompress", value: "CODEC", help: "store anew with zstd, gzip or none; zstd:5 names a level" },
    {
      name: "split-chunks",
      value: "SIZE",
      help: "refer to uncompressed chunks in parts of at most this size, where that is exact",
    },
    ...COMBINE_OPTIONS,
    {
      name: "update",
      help: "index anew what changed of the repository's sources, remove what went; what was written since stays",
    },
    {
      name: "journal",
      value: "FOLDER",
      help: "keep what scans find there; after an interruption the same command goes on where it was",
    },
    {
      name: "workers",
      value: "N",
      help: "threads that scan beside the main one (default by processors and number of sources; 0 for none)",
    },
    { name: "on-error", value: "RULE", help: "sources that cannot be opened: stop (default), or skip" },
  ],
  positionals: { minimum: 0, maximum: Number.POSITIVE_INFINITY },
  examples: [
    "moraine index sst.nc --to archive.icechunk",
    'moraine index a.nc b.nc --to archive.icechunk --message "first two"',
    "moraine index sst.nc --to sst.zarr",
    "moraine index sst-2019.nc sst-2020.nc --concat time --to archive.icechunk",
    "moraine index sst-2021.nc --append time --to archive.icechunk",
    "moraine index --update --to archive.icechunk",
    "moraine index archive/*.nc --concat time --journal scans --to archive.icechunk",
  ],
  async run(words, context) {
    const target = words.text("to");
    if (target === undefined) throw new UsageError("--to TARGET is needed: where to write");
    if (words.positionals.length === 0 && !words.flag("update")) {
      throw new UsageError("a SOURCE is needed: what to index");
    }
    const format = FORMATS.find((kind) => kind === words.text("format"));
    if (words.text("format") !== undefined && format === undefined) {
      throw new UsageError(`--format takes one of ${FORMATS.join(", ")}`);
    }
    const limit = words.text("materialize-limit");
    const split = words.text("split-chunks");
    const line = new ProgressLine(context.interactive);
    try {
      const summary = await indexSources(words.positionals, target, {
        ...storageOptions(words),
        signal: context.signal,
        format,
        message: words.text("message"),
        branch: words.text("branch"),
        group: words.text("group"),
        ...(limit !== undefined && { materializeLimit: parseBytes(limit, "materialize-limit") }),
        describe: words.flag("describe"),
        chunks: chunkLengths(words, "chunks"),
        shards: chunkLengths(words, "shards"),
        recompress: words.text("recompress"),
        virtual: words.flag("virtual"),
        strict: words.flag("strict"),
        ...(split !== undefined && { splitChunks: parseBytes(split, "split-chunks") }),
        ...combineOptions(words),
        update: words.flag("update"),
        workers: words.count("workers"),
        journal: words.text("journal"),
        onError: oneOf(words, "on-error", ["stop", "skip"]),
        onProgress: (progress) => line.show(progress),
      });
      line.clear();
      if (words.flag("json")) await context.print(JSON.stringify(summaryToJson(summary)));
      else await printSummary(summary, context);
      // A source that was left out is a refusal; the rest was done.
      return summary.leftOut.some(({ path }) => path === "/") ? 1 : 0;
    } finally {
      line.clear();
    }
  },
};

async function printSummary(summary: IndexSummary, context: VerbContext): Promise<void> {
  const { chunks, statistics } = summary;
  await context.print(
    `${summary.target}: ${formatCounted(summary.arrays, "array")} in ${formatCounted(summary.groups, "group")}, ` +
      `${formatKinds(chunks) || "no"} chunks (${formatBytes(summary.virtualBytes)} stay where they are)`,
  );
  if (summary.snapshot !== undefined) {
    await context.print(`commit ${summary.snapshot} on ${summary.branch ?? "main"}`);
  }
  await printChanged("stored decoded", summary.decoded, context);
  await printChanged("left out", summary.leftOut, context);
  const notes = summary.notes.map(({ path, note }) => `  ${path}: ${note}`);
  await printList(notes, context);
  await context.print(
    `${formatCounted(statistics.requests, "request")}, ${formatBytes(statistics.bytes)} read, ` +
      `${formatCounted(statistics.rounds, "round")}, ${statistics.retries > 0 ? `${formatCounted(statistics.retries, "retry", "retries")}, ` : ""}${statistics.seconds < 10 ? `${statistics.seconds.toFixed(2)} s` : formatDuration(statistics.seconds)}`,
  );
}

async function printChanged(
  title: string,
  arrays: readonly ChangedArray[],
  context: VerbContext,
): Promise<void> {
  await printList(
    arrays.map(({ path, code, reason }) => `  ${title}: ${path}: ${code}: ${reason}`),
    context,
  );
}
