/**
 * Arrays of records as zarr-python wrote them before 3.2: data type `structured`, its fill value the packed bytes
 * in base64, in the byte order of the `bytes` codec, which may leave that order away.
 *
 * @module
 */

import { isJsonObject, type JsonValue } from "../binary/json.ts";
import type { CodecSpecification } from "../codecs/codec.ts";
import { createPipeline } from "../codecs/pipeline.ts";
import type { DataType } from "../data-types/data-type.ts";
import { parseFillValue } from "../data-types/fill-value.ts";

/** Whether a `data_type` has the old name. */
export function isStructured(json: JsonValue | undefined): boolean {
  return isJsonObject(json) && json["name"] === "structured";
}

/** The codecs with the byte order that was left away: little-endian. */
export function completeStructuredCodecs(codecs: readonly CodecSpecification[]): CodecSpecification[] {
  return codecs.map((codec) =>
    codec.name === "bytes"
      ? { name: "bytes", configuration: { endian: "little", ...codec.configuration } }
      : codec,
  );
}

/** The fill value of such an array. Errors: `InvalidMetadata`. */
export function parseStructuredFillValue(
  json: JsonValue | undefined,
  dataType: DataType,
  codecs: readonly CodecSpecification[],
): Uint8Array {
  const stored = parseFillValue(json, dataType);
  const bytes = codecs.find((codec) => codec.name === "bytes");
  if (typeof json !== "string" || bytes === undefined) return stored;
  const element = createPipeline([bytes], { shape: [], dataType, fillValue: stored }).decode(stored.slice());
  return element instanceof Uint8Array ? element : stored;
}
