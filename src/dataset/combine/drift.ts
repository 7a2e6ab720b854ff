/**
 * What differs between arrays that should be parts of one: found before anything is written.
 *
 * @module
 */

import { type JsonObject, type JsonValue, stringifyJson } from "../../binary/json.ts";
import { codecsKey } from "../../codecs/codecs-key.ts";
import type { DataType } from "../../data-types/data-type.ts";
import { dataTypeToJson } from "../../data-types/data-type-json.ts";
import { decodeFillValueAttribute } from "../../manifest/fill-value-attribute.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";

/** A kind of difference. */
export type DriftKind = "data type" | "dimensions" | "packing" | "units" | "flags" | "codecs";

/** One array of one source. */
export interface DriftSubject {
  readonly source: string;
  readonly metadata: ArrayMetadata;
}

/** Sources by the value that they have. */
export interface Drift {
  readonly kind: DriftKind;
  readonly variants: readonly { readonly value: string; readonly sources: readonly string[] }[];
}

/** Attributes that say what stored numbers mean, with what their absence means. */
const PACKING: Readonly<Record<string, JsonValue>> = {
  scale_factor: 1,
  add_offset: 0,
  _FillValue: null,
  missing_value: null,
};
const FLAGS = ["flag_values", "flag_masks", "flag_meanings"];

/** What of an array must be the same for a kind, as text. */
const VALUES: Readonly<Record<DriftKind, (metadata: ArrayMetadata) => string>> = {
  "data type": ({ dataType }) => stringifyJson(dataTypeToJson(dataType)),
  dimensions: ({ dimensionNames, shape }) => stringifyJson(dimensionNames ?? shape.map(() => null)),
  packing: packingOf,
  units: ({ attributes }) => stringifyJson(attributes["units"] ?? null),
  flags: ({ attributes }) => stringifyJson(FLAGS.map((key) => attributes[key] ?? null)),
  codecs: ({ codecs }) => codecsKey(codecs),
};

/** The attributes that are not as if they were absent. */
function packingOf({ attributes, dataType }: ArrayMetadata): string {
  const { _FillValue: mark } = attributes;
  const given: Readonly<Record<string, JsonValue | undefined>> = {
    ...attributes,
    // Its encoded form differs from type to type.
    _FillValue: mark === undefined ? undefined : (decodeFillValueAttribute(mark, dataType) ?? mark),
  };
  const words = Object.entries(PACKING)
    .map(([key, absent]) => ({ key, value: given[key] ?? absent, absent }))
    .filter(({ value, absent }) => value !== absent)
    .map(({ key, value }) => `${key}=${stringifyJson(value)}`);
  const sign = signOf(attributes, dataType);
  return [...words, ...(sign === undefined ? [] : [`_Unsigned=${sign}`])].join(", ") || "none";
}

/** The value of `_Unsigned` where it makes integers be read with the other sign than their type has. */
export function signOf({ _Unsigned }: JsonObject, { name }: DataType): "true" | "false" | undefined {
  if (_Unsigned === "true" && name.startsWith("int")) return "true";
  return _Unsigned === "false" && name.startsWith("uint") ? "false" : undefined;
}

const REMEMBERED: Readonly<Record<DriftKind, WeakMap<ArrayMetadata, string>>> = {
  "data type": new WeakMap(),
  dimensions: new WeakMap(),
  packing: new WeakMap(),
  units: new WeakMap(),
  flags: new WeakMap(),
  codecs: new WeakMap(),
};

/** What of an array must be the same for a kind, as text. Worked out once: files of an archive share their metadata. */
export function driftValue(kind: DriftKind, metadata: ArrayMetadata): string {
  const known = REMEMBERED[kind].get(metadata);
  if (known !== undefined) return known;
  const value = VALUES[kind](metadata);
  REMEMBERED[kind].set(metadata, value);
  return value;
}

/** Whether two arrays have the same of a kind. */
export function agree(kind: DriftKind, a: ArrayMetadata, b: ArrayMetadata): boolean {
  return a === b || driftValue(kind, a) === driftValue(kind, b);
}

/** The differences of some kinds between the parts of one array, in the order of the kinds. */
export function findDrift(subjects: readonly DriftSubject[], kinds: readonly DriftKind[]): Drift[] {
  return kinds.flatMap((kind) => {
    const sources = new Map<string, string[]>();
    for (const { source, metadata } of subjects) {
      const value = driftValue(kind, metadata);
      const same = sources.get(value);
      if (same) same.push(source);
      else sources.set(value, [source]);
    }
    if (sources.size < 2) return [];
    return [{ kind, variants: [...sources].map(([value, own]) => ({ value, sources: own })) }];
  });
}

/** A difference in words, with the sources. */
export function describeDrift({ kind, variants }: Drift): string {
  const shown = variants.slice(0, 4).map(({ value, sources }) => {
    const [first = "", ...others] = sources;
    return `${value} in ${first}${others.length > 0 ? ` and ${others.length} more` : ""}`;
  });
  const more = variants.length > 4 ? `; and ${variants.length - 4} more` : "";
  return `its ${kind} (${KIND_WORDS[kind]}) differ: ${shown.join("; ")}${more}`;
}

const KIND_WORDS: Readonly<Record<DriftKind, string>> = {
  "data type": "types of the stored numbers",
  dimensions: "names of its dimensions",
  packing: "scale_factor, add_offset, _FillValue and the like",
  units: "units",
  flags: "meanings of flags",
  codecs: "filters and compression",
};
