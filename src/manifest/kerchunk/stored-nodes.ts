/**
 * Metadata documents of a Kerchunk set: Zarr v2, which all its readers know, or v3.
 *
 * @module
 */

import type { JsonObject, JsonValue } from "../../binary/json.ts";
import { parseFillValue } from "../../data-types/fill-value.ts";
import { isMoraineError } from "../../errors.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { arrayMetadataToJsonV2 } from "../../zarr/metadata-v2-writer.ts";
import { arrayMetadataToJson, groupMetadataToJson } from "../../zarr/metadata-v3.ts";
import { decodeFillValueAttribute } from "../fill-value-attribute.ts";

/** A document and its key. */
export interface StoredNode {
  readonly key: string;
  readonly document: JsonObject;
}

export interface GroupToStore {
  /** Without a slash in front; empty for the root. */
  readonly path: string;
  readonly attributes: JsonObject;
}

export interface ArrayToStore {
  readonly path: string;
  readonly metadata: ArrayMetadata;
  /** Whether every chunk is stored, so that the fill value is never read. */
  readonly isComplete: boolean;
}

/** Why an array has no form in Zarr v2; undefined where it has. */
export function versionTwoBarrier({ metadata }: ArrayToStore): string | undefined {
  try {
    arrayMetadataToJsonV2(metadata, true);
    return undefined;
  } catch (error) {
    if (isMoraineError(error)) return error.message;
    throw error;
  }
}

/**
 * Whether chunks are missing whose values xarray would take for missing ones in Zarr v2, also where they are stored: its
 * fill value is always such a mark, and this one marks nothing.
 */
export function marksByFill(array: ArrayToStore): boolean {
  const { fill, isMark } = conventionsV2(array);
  return fill !== undefined && !isMark;
}

/** The documents in Zarr v2. Errors: those of `arrayMetadataToJsonV2`. */
export function documentsV2(groups: readonly GroupToStore[], arrays: readonly ArrayToStore[]): StoredNode[] {
  return [
    ...groups.flatMap(({ path, attributes }) => [
      { key: below(path, ".zgroup"), document: { zarr_format: 2 } },
      { key: below(path, ".zattrs"), document: attributes },
    ]),
    ...arrays.flatMap((array) => {
      const { fill, attributes } = conventionsV2(array);
      const document = arrayMetadataToJsonV2(
        fill === undefined ? array.metadata : { ...array.metadata, fillValue: fill },
        fill !== undefined,
      );
      return [
        { key: below(array.path, ".zarray"), document },
        { key: below(array.path, ".zattrs"), document: attributes },
      ];
    }),
  ];
}

/** The documents in Zarr v3. */
export function documentsV3(groups: readonly GroupToStore[], arrays: readonly ArrayToStore[]): StoredNode[] {
  return [
    ...groups.map(({ path, attributes }) => ({
      key: below(path, "zarr.json"),
      document: groupMetadataToJson({ attributes }),
    })),
    ...arrays.map(({ path, metadata }) => ({
      key: below(path, "zarr.json"),
      document: arrayMetadataToJson(metadata),
    })),
  ];
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}/${name}`;
}

/**
 * What xarray looks for in Zarr v2: dimension names in an attribute; `_FillValue` as the fill value, which it
 * always takes for a mark of missing values.
 */
function conventionsV2({ metadata, isComplete }: ArrayToStore): {
  readonly fill: Uint8Array | undefined;
  /** Whether the fill value is what stands for missing values. */
  readonly isMark: boolean;
  readonly attributes: JsonObject;
} {
  const { _FillValue: encoded, ...others } = metadata.attributes;
  const names = metadata.dimensionNames ?? metadata.shape.map(() => null);
  const attributes: JsonObject = {
    ...others,
    _ARRAY_DIMENSIONS: names.map((name, axis): JsonValue => name ?? `dim_${axis}`),
  };
  const { fillValue, dataType } = metadata;
  const isZero = fillValue.every((byte) => byte === 0);
  const needed = !isComplete && !isZero;
  const mark = encoded === undefined ? undefined : decodeFillValueAttribute(encoded, dataType);
  if (mark === undefined) return { fill: needed ? fillValue : undefined, isMark: false, attributes };
  const bytes = markBytes(mark, metadata);
  const same = bytes?.every((byte, at) => byte === fillValue[at]);
  // Where chunks are missing and read as something else, the mark stays an attribute.
  if (bytes !== undefined && (same || isComplete)) return { fill: bytes, isMark: true, attributes };
  return {
    fill: needed ? fillValue : undefined,
    isMark: false,
    attributes: { ...attributes, _FillValue: mark },
  };
}

function markBytes(mark: JsonValue, { dataType }: ArrayMetadata): Uint8Array | undefined {
  const json = typeof mark === "number" && !Number.isFinite(mark) ? String(mark) : mark;
  try {
    return parseFillValue(json, dataType);
  } catch (error) {
    if (isMoraineError(error)) return undefined;
    throw error;
  }
}
