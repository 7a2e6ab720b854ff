/**
 * Lists of codecs in metadata (Zarr v3 core 3.1 "codecs").
 *
 * @module
 */

import { isJsonArray, type JsonObject, type JsonValue } from "../binary/json.ts";
import { parseExtension } from "../data-types/extension.ts";
import { MoraineError } from "../errors.ts";
import type { CodecSpecification } from "./codec.ts";
import { isKnownCodec } from "./codecs.ts";

/**
 * Parses a list of codecs, each in its long or short form. One that is not known here is left out where its writer
 * says that the values are right without it.
 *
 * Errors: `InvalidMetadata`.
 *
 * @param key the name of the list, for errors
 */
export function parseCodecList(json: JsonValue | undefined, key = "codecs"): CodecSpecification[] {
  if (!isJsonArray(json) || json.length === 0) {
    throw new MoraineError("InvalidMetadata", `${key} is no list of codecs`);
  }
  const codecs: CodecSpecification[] = [];
  for (const item of json) {
    const { name, configuration, mustUnderstand } = parseExtension(item, "a codec");
    if (mustUnderstand || isKnownCodec(name)) codecs.push({ name, configuration });
  }
  return codecs;
}

/** The long form, in which every reader knows a codec. */
export function codecToJson({ name, configuration = {} }: CodecSpecification): JsonObject {
  if (name === "sharding_indexed") {
    const entries = Object.entries(configuration).map(([key, value]): [string, JsonValue] =>
      key === "codecs" || key === "index_codecs"
        ? [key, parseCodecList(value, key).map(codecToJson)]
        : [key, value],
    );
    return { name, configuration: Object.fromEntries(entries) };
  }
  // zarr-python refuses numcodecs.* without a configuration, and takes `bytes` of one-byte elements only without.
  const bare = name === "bytes" || name === "crc32c";
  return bare && Object.keys(configuration).length === 0 ? { name } : { name, configuration };
}
