/**
 * What is written when many sources become one dataset.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { nodeBelow } from "../../zarr/tree.ts";
import { mapConcurrent } from "../concurrent.ts";
import { type GroupPlan, type IndexPlan, joinPlans } from "../index/plan.ts";
import type { ArrayPlan } from "../index/plan-array.ts";
import type { ChangedArray, Note } from "../index/summary.ts";
import type { OpenedSource } from "../source.ts";
import { mergeAttributes } from "./attributes.ts";
import { type ArrayParts, combineArray } from "./combine-array.ts";
import { type Contents, contentsOf, isIndexCoordinate, nameOfPath, parentOfPath } from "./contents.ts";
import { eraKey } from "./drift.ts";
import type { CombinePlanOptions } from "./options.ts";
import { type Placement, placeByCoordinates, placeInOrder } from "./placement.ts";
import { commonTimeEncoding, type TimeEncoding } from "./time-encoding.ts";

/** Arrays that are combined at the same time, and the manifests of all of them that are in memory meanwhile. */
const CONCURRENT_ARRAYS = 16;
const CONCURRENT_PARTS = 20_000;
const CONCURRENT_SOURCES = 16;

/**
 * Plans one dataset of many sources.
 *
 * Errors: `Incompatible` where sources do not fit together, `InvalidArgument`.
 *
 * @param prefix path in the target: empty, or `/name`
 */
export async function planCombined(
  sources: readonly OpenedSource[],
  prefix: string,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  const contents = await mapConcurrent(sources, CONCURRENT_SOURCES, (source) => contentsOf(source, options));
  if (options.drift !== "split") return await planContents(contents, prefix, options, false);
  const eras = new Map<string, Contents[]>();
  for (const one of contents) {
    const key = eraKey(one.arrays);
    const era = eras.get(key);
    if (era) era.push(one);
    else eras.set(key, [one]);
  }
  if (eras.size < 2) return await planContents(contents, prefix, options, false);
  const plans = await mapConcurrent([...eras.values()], 1, async (era, index): Promise<IndexPlan> => {
    const path = `${prefix}/era-${index + 1}`;
    const plan = await planContents(era, path, options, false);
    const note = `${era.length} sources of one encoding, from ${era[0]?.source.address} to ${era.at(-1)?.source.address}`;
    return { ...plan, notes: [{ source: era[0]?.source.address ?? "", path, note }, ...plan.notes] };
  });
  const root: GroupPlan = { kind: "group", path: prefix || "/", attributes: {} };
  return joinPlans([{ nodes: [root], decoded: [], leftOut: [], notes: [] }, ...plans]);
}

/**
 * Plans the adding of sources to a dataset that a target holds already.
 *
 * Errors: as {@link planCombined}.
 *
 * @param existing the dataset as it is, opened as a source
 * @param group path of the group in it that is added to
 */
export async function planAppend(
  existing: OpenedSource,
  sources: readonly OpenedSource[],
  group: string,
  dimension: string,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  if (options.drift === "split") {
    throw new MoraineError(
      "InvalidArgument",
      "what is appended belongs to the same group: it cannot be split",
    );
  }
  const root = await nodeBelow(existing.root, group, options);
  if (root?.kind !== "group") {
    throw new MoraineError("NotFound", "there is no such group", { source: existing.address, path: group });
  }
  const [stored, ...added] = await mapConcurrent(
    [{ ...existing, root }, ...sources],
    CONCURRENT_SOURCES,
    (source) => contentsOf(source, options),
  );
  if (stored === undefined) return { nodes: [], decoded: [], leftOut: [], notes: [] };
  // Groups that no source has are none of its business.
  const groups = new Set(added.flatMap((one) => [...one.groups.keys()]));
  const arrays = new Map([...stored.arrays].filter(([path]) => groups.has(parentOfPath(path))));
  const contents = [{ ...stored, arrays, faults: new Map() }, ...added];
  return await planContents(
    contents,
    group === "/" ? "" : group,
    { ...options, concat: dimension, byCoords: false },
    true,
  );
}

async function planContents(
  contents: readonly Contents[],
  prefix: string,
  options: CombinePlanOptions,
  append: boolean,
): Promise<IndexPlan> {
  const placement = await placementOf(contents, options);
  if (append && placement.isNew) {
    throw new MoraineError("InvalidArgument", `there is no dimension ${options.concat} to append along`, {
      source: contents[0]?.source.address,
    });
  }
  const nodes: (GroupPlan | ArrayPlan)[] = append ? [] : groupsOf(contents, prefix, options);
  const decoded: ChangedArray[] = [];
  const leftOut: ChangedArray[] = [];
  const notes: Note[] = [];
  const source = contents[0]?.source.address ?? "";
  const faults = faultsOf(contents);
  const omit = (path: string, error: MoraineError): void => {
    // What the target does not have yet can be left out; what it has must stay whole.
    const isNew = append && contents[0]?.arrays.has(path) !== true;
    const mustFit = !isNew && (append || error.code === "Incompatible");
    if (options.strict || mustFit) throw error.at({ source, path });
    leftOut.push({ source: error.source ?? source, path, code: error.code, reason: error.message });
  };
  for (const [path, error] of faults) omit(path, error);
  const paths = pathsOf(contents, options.join ?? "outer").filter((path) => !faults.has(path));
  const times = boundsEncodings(contents, paths, append);
  const atOnce = Math.max(Math.min(Math.floor(CONCURRENT_PARTS / contents.length), CONCURRENT_ARRAYS), 1);
  const planned = await mapConcurrent(paths, atOnce, async (path) => {
    const parts = partsOf(path, contents, placement, prefix, options, times.get(path), append);
    try {
      return { parts, result: await combineArray(parts, options) };
    } catch (error) {
      if (isMoraineError(error) && error.code !== "Aborted") return { parts, result: error.at({ path }) };
      throw error;
    }
  });
  for (const { parts, result } of planned) {
    if (isMoraineError(result)) {
      omit(parts.path, result);
      continue;
    }
    // What has not the dimension is there already, and was compared.
    if (!append || parts.dimensions.length > 0) nodes.push(result.plan);
    if (result.changed) decoded.push({ source: result.plan.source, path: parts.path, ...result.changed });
    for (const note of result.notes) notes.push({ source: result.plan.source, path: parts.path, note });
  }
  return { nodes, decoded, leftOut, notes };
}

async function placementOf(contents: readonly Contents[], options: CombinePlanOptions): Promise<Placement> {
  if (options.byCoords === true) return await placeByCoordinates(contents, options);
  if (options.concat === undefined || options.concat === "") {
    throw new MoraineError("InvalidArgument", "name the dimension along which the sources are joined");
  }
  return placeInOrder(contents, options.concat);
}

function groupsOf(contents: readonly Contents[], prefix: string, options: CombinePlanOptions): GroupPlan[] {
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
function faultsOf(contents: readonly Contents[]): Map<string, MoraineError> {
  const faults = new Map<string, MoraineError>();
  for (const { source, faults: own } of contents) {
    for (const [path, error] of own)
      if (!faults.has(path)) faults.set(path, error.at({ source: source.address, path }));
  }
  return faults;
}

/** The arrays that are taken. */
function pathsOf(contents: readonly Contents[], join: CombinePlanOptions["join"]): string[] {
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

function partsOf(
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
    loaded: options.load ? options.load.some((name) => `/${name.replace(/^\//, "")}` === path) : isIndex,
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

const lengthsOf = new WeakMap<Contents, ReadonlyMap<string, number>>();

/** Lengths of the dimensions that a source's arrays have; remembered. */
function dimensionLengths(contents: Contents): ReadonlyMap<string, number> {
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

/**
 * Bounds of a time coordinate have no units of their own (CF 1.11, section 7.1): they are re-encoded with their
 * coordinate.
 */
function boundsEncodings(
  contents: readonly Contents[],
  paths: readonly string[],
  append: boolean,
): Map<string, TimeEncoding> {
  const encodings = new Map<string, TimeEncoding>();
  for (const path of paths) {
    const parts = contents.flatMap(({ source, arrays }) => {
      const array = arrays.get(path);
      return array ? [{ source: source.address, metadata: array.metadata }] : [];
    });
    const bounds = parts[0]?.metadata.attributes["bounds"];
    if (typeof bounds !== "string" || parts.length !== contents.length) continue;
    const boundsPath = `${path.slice(0, path.length - nameOfPath(path).length)}${bounds}`;
    const own = contents[0]?.arrays.get(boundsPath)?.metadata.attributes["units"];
    if (own !== undefined) continue;
    const encoding = commonTimeEncoding(path, parts, append);
    if (encoding) encodings.set(boundsPath, encoding);
  }
  return encodings;
}
