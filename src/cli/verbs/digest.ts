/**
 * `moraine digest`: the content of every array as a SHA-256.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import { type DigestRow, digestSource } from "../../dataset/digest.ts";
import { openSource } from "../../dataset/open.ts";
import { isMoraineError } from "../../errors.ts";
import { formatError } from "../main.ts";
import { sourceOptions } from "../source-options.ts";
import { type ExitStatus, REF_OPTIONS, type Verb } from "../verb.ts";

export const digest: Verb = {
  name: "digest",
  synopsis: "SOURCE...",
  summary:
    "The content of every array as a SHA-256: two sources hold the same data when their digests agree.",
  options: [...REF_OPTIONS],
  positionals: { minimum: 1, maximum: Number.POSITIVE_INFINITY },
  examples: ["moraine digest sst.nc", "moraine digest --json a.nc archive.icechunk"],
  async run(words, context) {
    let status: ExitStatus = 0;
    const json = words.flag("json");
    for (const address of words.positionals) {
      context.signal.throwIfAborted();
      try {
        const source = await openSource(address, sourceOptions(words, context));
        try {
          for await (const row of digestSource(source, { signal: context.signal })) {
            if (row.error) status = 1;
            await context.print(
              json ? stringifyJson({ source: address, ...rowToJson(row) }) : rowToText(row),
            );
          }
        } finally {
          await source.close();
        }
      } catch (error) {
        if (!isMoraineError(error) || error.code === "Aborted") throw error;
        status = 1;
        context.warn(formatError(error.at({ source: address })));
        if (json) await context.print(JSON.stringify({ source: address, error }));
      }
    }
    return status;
  },
};

function rowToJson(row: DigestRow) {
  return {
    path: row.path,
    ...(row.shape && { shape: row.shape }),
    ...(row.dataType !== undefined && { data_type: row.dataType }),
    ...(row.error
      ? { error: { code: row.error.code, message: row.error.message } }
      : { value: row.value ?? null }),
  };
}

function rowToText(row: DigestRow): string {
  return `${textOf(row)}  ${row.path}`;
}

function textOf({ error, value }: DigestRow): string {
  if (error) return `${error.code}: ${error.message}`;
  if (value === null || value === undefined) return "no digest for this kind of data";
  return "bytes" in value ? value.bytes : value.strings;
}
