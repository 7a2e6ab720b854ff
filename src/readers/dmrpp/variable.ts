/**
 * Variables of a document as arrays whose chunks lie in the data file (DMR++, "The dmrpp Namespace Elements").
 *
 * @module
 */

import type { CodecSpecification } from "../../codecs/codec.ts";
import { type DataType, itemSize } from "../../data-types/data-type.ts";
import { parseDataType } from "../../data-types/data-type-json.ts";
import { numberTypeOf } from "../../data-types/numbers.ts";
import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { encodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import { ManifestBuilder, NOWHERE } from "../../manifest/manifest-builder.ts";
import { ManifestChunkSource } from "../../manifest/manifest-chunk-source.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { attributesOf } from "./attributes.ts";
import { ChunkColumns, wholeNumber } from "./chunk-columns.ts";
import { chunkManifest } from "./chunk-manifest.ts";
import type { DataSource } from "./data-source.ts";
import { childOf, type Element } from "./document.ts";
import { filtersOf } from "./filters.ts";
import { compactText, inlineNumbers, inlineTexts } from "./inline-data.ts";
import type { Axis, Scope } from "./scopes.ts";
import { isText, numberBytes, numberName } from "./values.ts";

/** The elements that say where values are; a variable has exactly one. */
const PLACES = new Set([
  "dmrpp:chunks",
  "dmrpp:compact",
  "dmrpp:missingdata",
  "dmrpp:vlsa",
  "dmrpp:specialstructuredata",
]);

/** What variables of one document share. */
export interface DocumentContext {
  readonly data: DataSource;
  /** Whether the document says in which order filters were applied: those without a `dmrpp:version` do not. */
  readonly ordered: boolean;
}

/**
 * The array of a variable.
 *
 * Errors: `UnsupportedDataType`, `UnsupportedFilter`, `UnsupportedLayout` for what DMR++ can say and this reader not;
 * `InvalidMetadata`; `NotFound` for a variable whose values are nowhere.
 */
export async function arrayOfVariable(
  variable: Element,
  scope: Scope,
  { data, ordered }: DocumentContext,
  options?: StorageOptions,
): Promise<VirtualArray> {
  const axes = scope.axes(variable);
  const place = placeOf(variable);
  const chunks = place.name === "dmrpp:chunks" ? place : undefined;
  const dataType = dataTypeOf(variable, scope, place);
  const shape = axes.map(({ length }) => length);
  const notes: string[] = [];
  const parsed = attributesOf(variable);
  const { _FillValue: mark, ...attributes } = parsed.attributes;
  const encoded = mark === undefined ? undefined : encodeFillValueAttribute(mark, dataType);
  if (mark !== undefined && encoded === undefined) {
    notes.push(`the attribute _FillValue has no form that xarray reads for ${dataType.name}; left out`);
  }
  const fill = fillValueOf(chunks, dataType);
  const metadata: ArrayMetadata = {
    shape,
    dataType,
    chunkGrid: { name: "regular", chunkShape: chunkShapeOf(chunks, axes) },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: fill ?? new Uint8Array(itemSize(dataType) ?? 0),
    codecs: [
      serializerOf(dataType, chunks, notes),
      ...(chunks ? filtersOf(chunks, itemSize(dataType) ?? 1, ordered) : []),
    ],
    dimensionNames: axes.map(({ name }) => name),
    attributes: encoded === undefined ? attributes : { ...attributes, _FillValue: encoded },
  };
  const manifest = chunks
    ? await chunkManifest(place.chunks ?? new ChunkColumns(), metadata, fill !== undefined, data, options)
    : inlineManifest(place, metadata);
  return {
    kind: "array",
    metadata,
    chunks: new ManifestChunkSource(async () => manifest),
    manifest: async () => manifest,
    notes: [...parsed.notes, ...notes],
  };
}

function placeOf(variable: Element): Element {
  const places = variable.children.filter(({ name }) => PLACES.has(name));
  // Contiguous data may be a single chunk below the variable itself.
  if (variable.chunks)
    places.push({ ...variable, name: "dmrpp:chunks", attributes: new Map(), children: [] });
  const [place, other] = places;
  if (place === undefined)
    throw new MoraineError("NotFound", "the document does not say where its values are");
  if (other !== undefined) {
    throw new MoraineError(
      "InvalidMetadata",
      `both ${place.name} and ${other.name} say where its values are`,
    );
  }
  if (childOf(place, "dmrpp:block") || place.chunks?.linked || place.attributes.get("LBChunk") === "true") {
    throw new MoraineError("UnsupportedLayout", "its chunks are made of linked blocks of HDF4");
  }
  return place;
}

function dataTypeOf(variable: Element, scope: Scope, place: Element): DataType {
  const { name: type, attributes } = variable;
  const marked = place.attributes.get("fillValue") ?? "";
  const strings = childOf(variable, "dmrpp:FixedLengthStringArray");
  if (marked.startsWith("unsupported") && !(strings && marked === "unsupported-string")) {
    throw new MoraineError(
      "UnsupportedDataType",
      `the document says that the type of its elements is ${marked}`,
    );
  }
  const number = numberName(type === "Enum" ? scope.enumerationType(attributes.get("enum") ?? "") : type);
  if (number !== undefined) return { name: number };
  if (isText(type)) {
    if (place.name === "dmrpp:vlsa" || place.name === "dmrpp:compact") return { name: "string" };
    if (strings) return fixedString(strings);
    // A scalar of variable length looks the same: then the bytes are a pointer into the file's heap.
    throw new MoraineError("UnsupportedDataType", "the document does not tell how its texts are stored");
  }
  throw new MoraineError("UnsupportedDataType", `${type} is a type of DAP4 that is not read here`);
}

function fixedString({ attributes }: Element): DataType {
  const length = wholeNumber(attributes.get("string_length"));
  const pad = attributes.get("pad") ?? "not_set";
  if (length === undefined || length === 0) {
    throw new MoraineError("InvalidMetadata", "strings of a fixed length without a string_length");
  }
  if (pad !== "null_pad" && !(pad === "null_term" && length === 1)) {
    throw new MoraineError("UnsupportedDataType", `strings padded as ${pad} have no Zarr data type`);
  }
  return parseDataType({ name: "null_terminated_bytes", configuration: { length_bytes: length } });
}

/** Undefined where the document does not tell it. */
function fillValueOf(chunks: Element | undefined, dataType: DataType): Uint8Array | undefined {
  const text = chunks?.attributes.get("fillValue");
  if (text === undefined) return undefined;
  const number = numberTypeOf(dataType);
  // For texts the attribute holds no value that could be trusted.
  return number && numberBytes(text, number.name);
}

function chunkShapeOf(chunks: Element | undefined, axes: readonly Axis[]): number[] {
  const whole = axes.map(({ length }) => Math.max(length, 1));
  const sizes = chunks?.children.filter(({ name }) => name === "dmrpp:chunkDimensionSizes").at(-1);
  if (sizes === undefined) return whole;
  const lengths = sizes.text.trim() === "" ? [] : sizes.text.trim().split(/\s+/).map(wholeNumber);
  const usable = lengths.filter((length) => length !== undefined && length > 0).map(Number);
  if (usable.length !== axes.length || lengths.length !== axes.length) {
    throw new MoraineError(
      "InvalidMetadata",
      `"${sizes.text.trim()}" is no shape of chunks of an array of ${axes.length} axes`,
    );
  }
  return usable;
}

function serializerOf(dataType: DataType, chunks: Element | undefined, notes: string[]): CodecSpecification {
  if (dataType.name === "string") return { name: "vlen-utf8" };
  if (dataType.name === "null_terminated_bytes" || itemSize(dataType) === 1) return { name: "bytes" };
  const order = chunks?.attributes.get("byteOrder");
  if (order !== undefined && order !== "LE" && order !== "BE") {
    throw new MoraineError("InvalidMetadata", `"${order}" is no byte order`);
  }
  if (chunks && order === undefined) notes.push("no byte order is given: little-endian, as Hyrax reads it");
  return { name: "bytes", configuration: { endian: order === "BE" ? "big" : "little" } };
}

/** All values in one chunk that is held here. */
function inlineManifest(place: Element, { shape, dataType }: ArrayMetadata): ChunkManifest {
  const count = shape.reduce((product, length) => product * length, 1);
  const builder = new ManifestBuilder(
    shape.map((length) => Math.min(length, 1)),
    NOWHERE,
  );
  if (count === 0) return builder.build();
  if (place.name === "dmrpp:vlsa") builder.appendInline(0, inlineTexts(place, count));
  else if (dataType.name === "string") builder.appendInline(0, compactText(place, count));
  else {
    const size = itemSize(dataType) ?? 0;
    builder.appendInline(0, inlineNumbers(place, count * size, count === 1));
  }
  return builder.build();
}
