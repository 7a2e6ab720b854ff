/**
 * What is written when many sources become one dataset, or are added to one.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { nodeBelow } from "../../zarr/tree.ts";
import { mapConcurrent } from "../concurrent.ts";
import { type GroupPlan, type IndexPlan, joinPlans } from "../index/plan.ts";
import type { OpenedSource } from "../source.ts";
import { isLoaded } from "./array-parts.ts";
import { type Contents, contentsOf, parentOfPath } from "./contents.ts";
import { belongsTo, eraName, type StoredEra, splitByEra, storedEras } from "./eras.ts";
import type { CombinePlanOptions } from "./options.ts";
import { planContents } from "./plan-contents.ts";

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
  const eras = options.drift === "split" ? splitByEra(contents) : [contents];
  if (eras.length < 2) return await planContents(contents, prefix, options);
  const plans = await mapConcurrent(eras, 1, (era, index) => planEra(era, prefix, index + 1, options));
  const root: GroupPlan = { kind: "group", path: prefix || "/", attributes: {} };
  return joinPlans([{ nodes: [root], decoded: [], leftOut: [], notes: [] }, ...plans]);
}

async function planEra(
  era: readonly Contents[],
  prefix: string,
  number: number,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  const path = `${prefix}/${eraName(number)}`;
  const plan = await planContents(era, path, options);
  const count = era.length === 1 ? "one source" : `${era.length} sources`;
  const note = `${count} of one encoding, from ${era[0]?.source.address} to ${era.at(-1)?.source.address}`;
  return { ...plan, notes: [{ source: era[0]?.source.address ?? "", path, note }, ...plan.notes] };
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
  const prefix = group === "/" ? "" : group;
  const along = { ...options, concat: dimension, byCoords: false };
  if (options.drift !== "split") return await planBehind(stored, added, prefix, along);
  return await planByEra(storedEras(stored), added, prefix, along);
}

async function planBehind(
  stored: Contents,
  added: readonly Contents[],
  prefix: string,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  // Groups that no source has are none of its business.
  const groups = new Set(added.flatMap((one) => [...one.groups.keys()]));
  const arrays = new Map([...stored.arrays].filter(([path]) => groups.has(parentOfPath(path))));
  return await planContents(
    [{ ...stored, arrays, faults: new Map(), isStored: true }, ...added],
    prefix,
    options,
  );
}

/** Each source goes behind those of its era; what belongs to none becomes groups of their own. */
async function planByEra(
  stored: readonly StoredEra[],
  added: readonly Contents[],
  prefix: string,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  const members = new Map<StoredEra, Contents[]>();
  const strangers: Contents[] = [];
  for (const one of added) {
    const era = stored.findLast((candidate) =>
      belongsTo(candidate, one, (path, array) => isLoaded(path, array, options)),
    );
    if (era === undefined) strangers.push(one);
    else members.set(era, [...(members.get(era) ?? []), one]);
  }
  const last = stored.reduce((most, { number }) => Math.max(most, number), 0);
  return joinPlans([
    ...(await mapConcurrent([...members], 1, ([{ path, contents }, own]) =>
      planBehind(contents, own, `${prefix}${path}`, options),
    )),
    ...(await mapConcurrent(splitByEra(strangers), 1, (era, index) =>
      planEra(era, prefix, last + index + 1, options),
    )),
  ]);
}
