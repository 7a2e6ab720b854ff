/**
 * `moraine inspect`: the tree of a source and what each array is made of.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import { type InspectedArray, inspectionToJson, inspectSource } from "../../dataset/inspect.ts";
import { openSource } from "../../dataset/open.ts";
import { shareLines } from "../output/shares.ts";
import { formatBytes, formatCounted, formatKinds } from "../progress.ts";
import { sourceOptions } from "../source-options.ts";
import { REF_OPTIONS, type Verb } from "../verb.ts";

export const inspect: Verb = {
  name: "inspect",
  synopsis: "SOURCE",
  summary:
    "The tree: groups, arrays, dimensions, types, chunks, codecs, and for each array whether it can be virtual.",
  options: [...REF_OPTIONS],
  positionals: { minimum: 1, maximum: 1 },
  examples: ["moraine inspect sst.nc", "moraine inspect --json archive.icechunk --ref v1"],
  async run(words, context) {
    const [address = ""] = words.positionals;
    const source = await openSource(address, sourceOptions(words, context));
    try {
      const inspection = await inspectSource(source, { signal: context.signal });
      if (words.flag("json")) {
        await context.print(stringifyJson(inspectionToJson(inspection)));
        return 0;
      }
      const { requests, bytes } = inspection.statistics;
      await context.print(
        `${address}  (${inspection.format}; ${formatCounted(requests, "request")}, ${formatBytes(bytes)} read)`,
      );
      for (const group of inspection.groups) {
        if (group.path !== "/") await context.print(`${group.path}/`);
      }
      for (const array of inspection.arrays) {
        // Of a file by itself there is nothing to tell.
        const isPlain = array.shares.every(({ source: from, since }) => from === source.address && !since);
        await context.print(describe(array, isPlain ? [] : shareLines(array.shares)));
      }
      for (const fault of inspection.faults) {
        await context.print(`${fault.path}  cannot be read: ${fault.error.code}: ${fault.error.message}`);
      }
      return 0;
    } finally {
      await source.close();
    }
  },
};

function describe(array: InspectedArray, shares: readonly string[]): string {
  const shape = array.shape
    .map((length, axis) => {
      const name = array.dimensionNames?.[axis];
      return name ? `${name}=${length}` : String(length);
    })
    .join(", ");
  const { decoded: _, ...kept } = array.chunks;
  const stored = array.storedBytes === undefined ? "" : `  ${formatBytes(array.storedBytes)} stored`;
  const decoded = array.decodedBytes === undefined ? "" : `, ${formatBytes(array.decodedBytes)} decoded`;
  return [
    `${array.path}  (${shape})  ${array.dataType}`,
    `    chunks ${array.chunkGrid}: ${formatKinds(kept) || "none"}${stored}${decoded}`,
    ...shares.map((line) => `      ${line}`),
    `    codecs ${array.codecs.join(" ")}`,
    `    ${virtualState(array)}`,
    ...array.notes.map((note) => `    note: ${note}`),
  ].join("\n");
}

function virtualState({ barrier, fault, chunks }: InspectedArray): string {
  if (fault) return `cannot be read: ${fault.code}: ${fault.message}`;
  if (barrier) return `needs decoding: ${barrier.code}: ${barrier.reason}`;
  const isHeld = chunks.native + chunks.inline > 0;
  if (chunks.virtual > 0) return isHeld ? "mixed: partly virtual, partly native" : "virtual as it is";
  return isHeld ? "native" : "virtual as it is";
}
