/**
 * `moraine read`: values, to the terminal or into a file.
 *
 * @module
 */

import { writeFile } from "node:fs/promises";
import { stringifyJson } from "../../binary/json.ts";
import { elementsToJson } from "../../data-types/elements.ts";
import { openSource } from "../../dataset/open.ts";
import { arrayAt } from "../../dataset/source.ts";
import { readRaw } from "../../zarr/read/read.ts";
import { encodeNpy } from "../output/npy.ts";
import { csvLines, nest, preview } from "../output/table.ts";
import { parseSelection } from "../selection-text.ts";
import { sourceOptions } from "../source-options.ts";
import { REF_OPTIONS, UsageError, type Verb } from "../verb.ts";

export const read: Verb = {
  name: "read",
  synopsis: "SOURCE PATH",
  summary: "The values of an array, or of a part of it.",
  options: [
    { name: "select", value: "SELECTION", help: 'a part: "time=0,lat=10:20" or "0,10:20"' },
    { name: "output", value: "FILE", help: "write to a file: .npy, .csv or .json" },
    ...REF_OPTIONS,
  ],
  positionals: { minimum: 2, maximum: 2 },
  examples: [
    'moraine read sst.nc /sst --select "time=0,lat=10:20"',
    "moraine read sst.nc /sst --output sst.npy",
  ],
  async run(words, context) {
    const [address = "", path = ""] = words.positionals;
    const output = words.text("output");
    const ending = output === undefined ? undefined : /\.(npy|csv|json)$/.exec(output)?.[1];
    if (output !== undefined && ending === undefined) {
      throw new UsageError("--output takes a file whose name ends with .npy, .csv or .json");
    }
    const select = words.text("select");
    const selection = select === undefined ? undefined : parseSelection(select);
    const source = await openSource(address, sourceOptions(words, context));
    try {
      const array = await arrayAt(source, path, { signal: context.signal });
      const { data, shape } = await readRaw(array, selection, { signal: context.signal });
      const { dataType } = array.metadata;
      if (ending === "npy" && output !== undefined) {
        if (!(data instanceof Uint8Array)) {
          throw new UsageError(`${dataType.name} has no .npy form; --output FILE.json writes it`);
        }
        await writeFile(output, encodeNpy(dataType, shape, data));
        return 0;
      }
      const elements = elementsToJson(data, dataType);
      if (ending === "csv" && output !== undefined) {
        const names = shape.map((_, axis) => `axis_${axis}`);
        await writeFile(output, `${[...csvLines(elements, shape, names)].join("\n")}\n`);
      } else if (output !== undefined) {
        await writeFile(output, `${stringifyJson(nest(elements, shape))}\n`);
      } else if (words.flag("json")) {
        await context.print(stringifyJson({ shape: [...shape], data: nest(elements, shape) }));
      } else {
        await context.print(preview(elements, shape));
      }
      return 0;
    } finally {
      await source.close();
    }
  },
};
