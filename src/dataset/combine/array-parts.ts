/**
 * What many sources have of each group and array.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { GroupPlan } from "../index/plan.ts";
import { mergeAttributes } from "./attributes.ts";
import type { ArrayParts } from "./combine-array.ts";
import { type Contents, isIndexCoordinate } from "./contents.ts";
import type { CombinePlanOptions } from "./options.ts";
import type { Placement } from "./placement.ts";
import type { TimeEncoding } from "./time-encoding.ts";

/** The groups of the target. */
export function groupsOf(
  contents: readonly Contents[],
  prefix: string,
  options: CombinePlanOptions,
): GroupPlan[] {
  const paths = new Set(contents.flatMap(({ groups }) => [...groups.keys()]));
  return [...paths].map((path): GroupPlan => {
    const all = contents.flatMap(({ source, groups }) => {
      const attributes = groups.get(path);
      return attributes ? [{ source: source.address, attributes }] : [];
    });
    const target = `${prefix}${path === "/" ? "" : path}` || "/";
    return {
      kind: "group",
      path: target,
      attributes: mergeAttributes(all, options.attributes ?? "override", path),
    };
  });
}

/** Arrays that some source has but cannot give. */
export function faultsOf(contents: readonly Contents[]): Map<string, MoraineError> {
  const faults = new Map<string, MoraineError>();
  for (const { source, faults: own } of contents) {
    for (const [path, error] of own)
      if (!faults.has(path)) faults.set(path, error.at({ source: source.address, path }));
  }
  return faults;
}

/** The arrays that are taken. */
export function pathsOf(contents: readonly Contents[], join: CombinePlanOptions["join"]): string[] {
  const [first] = contents;
  const union = [...new Set(contents.flatMap(({ arrays }) => [...arrays.keys()]))];
  if (join === "override") return [...(first?.arrays.keys() ?? [])];
  const lacking = (path: string) => contents.find(({ arrays }) => !arrays.has(path));
  if (join === "inner") return union.filter((path) => lacking(path) === undefined);
  if (join === "exact") {
    for (const path of union) {
      const without = lacking(path);
      if (without) {
        throw new MoraineError("Incompatible", "other sources have this array", {
          source: without.source.address,
          path,
        });
      }
    }
  }
  return union;
}

/** The parts of an array that sources have. */
export function partsOf(
  path: string,
  contents: readonly Contents[],
  placement: Placement,
  prefix: string,
  options: CombinePlanOptions,
  time: TimeEncoding | undefined,
  append: boolean,
): ArrayParts {
  const holder = contents.find(({ arrays }) => arrays.has(path))?.arrays.get(path);
  const names = holder?.metadata.dimensionNames ?? [];
  const isIndex = holder !== undefined && isIndexCoordinate(path, holder);
  const isNew = placement.isNew && !isIndex;
  const own = placement.dimensions.flatMap((name, at) => (isNew || names.includes(name) ? [at] : []));
  return {
    path,
    target: `${prefix}${path}`,
    dimensions: own.map((at) => placement.dimensions[at] ?? ""),
    isNew,
    loaded: holder !== undefined && isLoaded(path, holder, options),
    time,
    append,
    parts: contents.map((one, position) => ({
      contents: one,
      array: one.arrays.get(path),
      index: own.map((at) => placement.indexes[position]?.[at] ?? 0),
      lengths: dimensionLengths(one),
    })),
  };
}

/** Whether an array is stored decoded in large chunks. */
export function isLoaded(
  path: string,
  array: VirtualArray,
  { load }: Pick<CombinePlanOptions, "load">,
): boolean {
  return load ? load.some((name) => `/${name.replace(/^\//, "")}` === path) : isIndexCoordinate(path, array);
}

const lengthsOf = new WeakMap<Contents, ReadonlyMap<string, number>>();

/** Lengths of the dimensions that a source's arrays have; remembered. */
export function dimensionLengths(contents: Contents): ReadonlyMap<string, number> {
  const known = lengthsOf.get(contents);
  if (known) return known;
  const lengths = new Map<string, number>();
  for (const { metadata } of contents.arrays.values()) {
    metadata.dimensionNames?.forEach((name, axis) => {
      if (name !== null) lengths.set(name, metadata.shape[axis] ?? 0);
    });
  }
  lengthsOf.set(contents, lengths);
  return lengths;
}
