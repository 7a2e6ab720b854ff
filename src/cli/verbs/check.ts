/**
 * `moraine check`: can an archive be virtualised?
 *
 * @module
 */

import { type CheckReport, check as checkSources } from "../../dataset/check.ts";
import { printList } from "../output/list.ts";
import { formatBytes, formatCounted, formatDuration, ProgressLine } from "../progress.ts";
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

function reportToJson(report: CheckReport): Record<string, unknown> {
  const { virtualBytes, indexBytes, chunkShapes, unsortedFiles, cost, ...same } = report;
  return {
    ...same,
    chunk_shapes: chunkShapes,
    unsorted_files: unsortedFiles,
    virtual_bytes: virtualBytes,
    index_bytes: indexBytes,
    ...cost,
  };
}

async function printReport(report: CheckReport, context: VerbContext): Promise<void> {
  const { files, formats, failed, arrays, barriers, eras, drift, chunkShapes, unsortedFiles, cost } = report;
  const kinds = Object.entries(formats).map(([format, count]) => `${count} ${format}`);
  await context.print(`${formatCounted(files, "file")}: ${kinds.join(", ") || "none could be opened"}`);
  const closed = failed.map(
    ({ source, code, message }) => `  cannot be opened: ${source}: ${code}: ${message}`,
  );
  await printList(closed, context);
  await context.print(
    `${formatCounted(arrays.virtual, "array")} virtual as they are, ${arrays.decoded} need decoding, ${arrays.unreadable} cannot be read`,
  );
  const obstacles = barriers.map(({ code, reason, arrays: count, files: inFiles, examples: [example] }) => {
    const where = example ? ` (${example.source} ${example.path})` : "";
    return `  ${formatCounted(count, "array")} in ${formatCounted(inFiles, "file")}: ${code}: ${reason}${where}`;
  });
  await printList(obstacles, context);
  if (eras.length === 1) await context.print("one era: the files are alike");
  else if (eras.length > 1) {
    await context.print(`${eras.length} eras, which differ:`);
    await printList(
      eras.map((era) => `  ${formatCounted(era.files, "file")} from ${era.first} to ${era.last}`),
      context,
    );
    await printList(
      drift.map(({ path, difference }) => `  ${path}: ${difference}`),
      context,
    );
  }
  if (unsortedFiles > 0) await context.print(`  ${unsortedFiles} files of other kinds were not told apart`);
  if (chunkShapes.length > 0) {
    await context.print("chunks of several shapes, which line up in part only:");
    const shapes = chunkShapes.map(({ path, shapes: all }) => {
      const told = all
        .slice(0, 4)
        .map(
          ({ shape, files: of, example }) =>
            `${shape.join("x")} in ${formatCounted(of, "file")} (${example})`,
        );
      return `  ${path}: ${told.join("; ")}${all.length > 4 ? `; and ${all.length - 4} more` : ""}`;
    });
    await printList(shapes, context);
  }
  await context.print(
    `${formatCounted(report.chunks, "chunk")}, ${formatBytes(report.virtualBytes)} that stay where they are; ` +
      `an index of about ${formatBytes(report.indexBytes)}`,
  );
  await context.print(
    `scanned in ${formatDuration(cost.seconds)}: ${formatCounted(cost.requests, "request")}, ` +
      `${formatBytes(cost.bytes)}, ${formatCounted(cost.rounds, "round")}`,
  );
}
