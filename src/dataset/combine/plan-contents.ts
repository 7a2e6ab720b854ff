/**
 * What is written when the contents of many sources become one dataset.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { GroupPlan, IndexPlan } from "../index/plan.ts";
import type { ArrayPlan } from "../index/plan-array.ts";
import type { ChangedArray, Note } from "../index/summary.ts";
import { faultsOf, groupsOf, partsOf, pathsOf } from "./array-parts.ts";
import { type ArrayPart, combineArray } from "./combine-array.ts";
import type { Contents } from "./contents.ts";
import type { CombinePlanOptions } from "./options.ts";
import { type Placement, placeByCoordinates, placeInOrder } from "./placement.ts";
import { placesOf } from "./places.ts";
import { boundsEncodings } from "./time-bounds.ts";

/** Arrays that are combined at the same time, and the manifests of all of them that are in memory meanwhile. */
const CONCURRENT_ARRAYS = 16;
const CONCURRENT_PARTS = 20_000;

/** Plans one dataset, or what is added to one that the target holds already: then it is the first of the contents. */
export async function planContents(
  contents: readonly Contents[],
  prefix: string,
  options: CombinePlanOptions,
): Promise<IndexPlan> {
  const append = contents[0]?.isStored === true;
  const placement = await placementOf(contents, options);
  if (append && placement.isNew) {
    throw new MoraineError("InvalidArgument", `there is no dimension ${options.concat} to append along`, {
      source: contents[0]?.source.address,
    });
  }
  const leads = contents.filter(({ at }) => !append || at === 0);
  const nodes: (GroupPlan | ArrayPlan)[] = groupsOf(leads, prefix, options);
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
    // What has not the dimension is there already, and was compared, unless it came from a source that changed.
    if (!append || parts.dimensions.length > 0 || parts.parts.some(isLead)) nodes.push(result.plan);
    if (result.changed) decoded.push({ source: result.plan.source, path: parts.path, ...result.changed });
    for (const note of result.notes) notes.push({ source: result.plan.source, path: parts.path, note });
  }
  return { nodes, decoded, leftOut, notes, places: placesOf(contents, placement, prefix) };
}

async function placementOf(contents: readonly Contents[], options: CombinePlanOptions): Promise<Placement> {
  if (options.byCoords === true) return await placeByCoordinates(contents, options);
  if (options.concat === undefined || options.concat === "") {
    throw new MoraineError("InvalidArgument", "name the dimension along which the sources are joined");
  }
  return placeInOrder(contents, options.concat);
}

function isLead({ contents, array }: ArrayPart): boolean {
  return contents.at === 0 && array !== undefined;
}
