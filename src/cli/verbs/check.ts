/**
 * `moraine check`: can an archive be virtualised?
 *
 * @module
 */

import { type CheckReport, check as checkSources } from "../../dataset/check.ts";
import { formatBytes, formatCount, formatDuration, ProgressLine } from "../progress.ts";
import { sourceOptions } from "../source-options.ts";
import { REF_OPTIONS, type Verb, type VerbContext } from "../verb.ts";

export const check: Verb = {
  name: "check",
  synopsis: "SOURCE...",
  summary:
    "Tell what stands in the way of virtual references to files, what differs between them, and the cost.",
  options: [...REF_OPTIONS],
  positionals: { minimum: 1, maximum: Number.POSITIVE_INFINITY },
  examples: ["moraine check archive/*.nc", "moraine check --json s3://bucket/a.nc"],
  async run(words, context) {
    const line = new ProgressLine(context.interactive);
    const report = await checkSources(words.positionals, {
      ...sourceOptions(words, context),
      onProgress: (progress) => line.show(progress),
    });
    line.clear();
    if (words.flag("json")) await context.print(JSON.stringify(reportToJson(report)));
    else await printReport(report, context);
    return report.failed.length > 0 ? 1 : 0;
  },
};

function reportToJson({ virtualBytes, indexBytes, cost, ...same }: CheckReport): Record<string, unknown> {
  return { ...same, virtual_bytes: virtualBytes, index_bytes: indexBytes, ...cost };
}

async function printReport(report: CheckReport, context: VerbContext): Promise<void> {
  const { files, formats, failed, arrays, barriers, eras, drift, cost } = report;
  const kinds = Object.entries(formats).map(([format, count]) => `${count} ${format}`);
  await context.print(`${files} files: ${kinds.join(", ") || "none could be opened"}`);
  for (const { source, code, message } of failed)
    await context.print(`  cannot be opened: ${source}: ${code}: ${message}`);
  await context.print(
    `${arrays.virtual} arrays virtual as they are, ${arrays.decoded} need decoding, ${arrays.unreadable} cannot be read`,
  );
  for (const { code, reason, arrays: count, files: inFiles, examples } of barriers) {
    const [example] = examples;
    await context.print(
      `  ${count} arrays in ${inFiles} files: ${code}: ${reason}${example ? ` (${example.source} ${example.path})` : ""}`,
    );
  }
  await context.print(
    eras.length === 1 ? "one era: the files are alike" : `${eras.length} eras, which differ:`,
  );
  if (eras.length > 1) {
    for (const era of eras) await context.print(`  ${era.files} files from ${era.first} to ${era.last}`);
    for (const { path, difference } of drift) await context.print(`  ${path}: ${difference}`);
  }
  await context.print(
    `${formatCount(report.chunks)} chunks, ${formatBytes(report.virtualBytes)} that stay where they are; ` +
      `an index of about ${formatBytes(report.indexBytes)}`,
  );
  await context.print(
    `scanned in ${formatDuration(cost.seconds)}: ${formatCount(cost.requests)} requests, ` +
      `${formatBytes(cost.bytes)}, ${cost.rounds} rounds`,
  );
}
