/**
 * Keys of chunks (Zarr v3 core 3.1 "chunk key encoding").
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../binary/json.ts";
import { parseExtension } from "../data-types/extension.ts";
import { MoraineError } from "../errors.ts";
import type { ChunkKeyEncoding } from "./array-metadata.ts";

/** Parses a `chunk_key_encoding`. Errors: `InvalidMetadata`. */
export function parseChunkKeyEncoding(json: JsonValue | undefined): ChunkKeyEncoding {
  const { name, configuration, mustUnderstand } = parseExtension(json, "chunk_key_encoding");
  if (name !== "default" && name !== "v2") {
    throw new MoraineError("InvalidMetadata", `there is no chunk key encoding "${name}"`);
  }
  if (!mustUnderstand) throw new MoraineError("InvalidMetadata", "a chunk key encoding must be understood");
  for (const key of Object.keys(configuration)) {
    if (key !== "separator") {
      throw new MoraineError("InvalidMetadata", `chunk_key_encoding: unknown key "${key}"`);
    }
  }
  const separator = configuration["separator"] ?? (name === "default" ? "/" : ".");
  if (separator !== "/" && separator !== ".") {
    throw new MoraineError("InvalidMetadata", 'the separator of chunk keys is "/" or "."');
  }
  return { name, separator };
}

export function chunkKeyEncodingToJson(encoding: ChunkKeyEncoding): JsonObject {
  return { name: encoding.name, configuration: { separator: encoding.separator } };
}

/** The key of a chunk, below the array's own: `c/1/2`, `1.2`. */
export function chunkKey(encoding: ChunkKeyEncoding, coordinates: ArrayLike<number>): string {
  const parts = Array.from(coordinates, String);
  if (encoding.name === "default") return ["c", ...parts].join(encoding.separator);
  return parts.length === 0 ? "0" : parts.join(encoding.separator);
}

/** The coordinates that a key stands for, or undefined where it is no key of a chunk. */
export function parseChunkKey(encoding: ChunkKeyEncoding, key: string, rank: number): number[] | undefined {
  const parts = key.split(encoding.separator);
  if (encoding.name === "default") {
    if (parts.shift() !== "c") return undefined;
  } else if (rank === 0) {
    return key === "0" ? [] : undefined;
  }
  if (parts.length !== rank || parts.some((part) => !/^(0|[1-9]\d*)$/.test(part))) return undefined;
  const coordinates = parts.map(Number);
  return coordinates.every(Number.isSafeInteger) ? coordinates : undefined;
}
