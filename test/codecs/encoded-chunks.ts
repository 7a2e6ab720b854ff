import { readFileSync } from "node:fs";
import { isJsonArray, isJsonObject, type JsonValue, parseJson } from "../../src/binary/json.ts";
import type { ChunkData, ChunkRepresentation } from "../../src/codecs/codec.ts";
import { parseCodecList } from "../../src/codecs/codec-list.ts";
import { createPipeline, type Pipeline } from "../../src/codecs/pipeline.ts";
import { parseDataType } from "../../src/data-types/data-type-json.ts";
import { parseFillValue } from "../../src/data-types/fill-value.ts";

/** A chunk that another program encoded (scripts/make-codec-data.py). */
export interface EncodedChunk {
  readonly name: string;
  readonly pipeline: Pipeline;
  readonly encoded: Uint8Array;
  readonly expected: ChunkData;
  /** No other bytes are right. */
  readonly isExact: boolean;
  /** A checksum covers every byte. */
  readonly isChecked: boolean;
}

export function readRows(name: string): { readonly [key: string]: JsonValue }[] {
  const file = new URL(`../data/codecs/${name}.json`, import.meta.url);
  const rows = parseJson(readFileSync(file, "utf8"));
  if (!isJsonArray(rows)) throw new Error("no list");
  return rows.filter(isJsonObject);
}

export function fromBase64(text: JsonValue | undefined): Uint8Array {
  return Uint8Array.from(Buffer.from(String(text), "base64"));
}

/** The elements that a row says its chunk holds. */
export function expectedOf(row: { readonly [key: string]: JsonValue }): ChunkData {
  if (isJsonArray(row["strings"])) return row["strings"].map(String);
  if (isJsonArray(row["bytes"])) return row["bytes"].map(fromBase64);
  return fromBase64(row["values"]);
}

export function readChunks(): EncodedChunk[] {
  return readRows("chunks").map((row) => {
    const dataType = parseDataType(row["data_type"]);
    const shape = isJsonArray(row["shape"]) ? row["shape"].map(Number) : [];
    const fillValue = parseFillValue(row["fill_value"], dataType);
    const representation: ChunkRepresentation = { shape, dataType, fillValue };
    return {
      name: String(row["name"]),
      pipeline: createPipeline(parseCodecList(row["codecs"]), representation),
      encoded: fromBase64(row["chunk"]),
      expected: expectedOf(row),
      isExact: row["exact"] === true,
      isChecked: row["checked"] === true,
    };
  });
}
