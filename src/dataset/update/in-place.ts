/**
 * Sources that changed but stand where they stood: only they are looked at, and only chunks that hold something of them
 * change.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError } from "../../errors.ts";
import { nodeBelow } from "../../zarr/tree.ts";
import { type Contents, contentsOf, isIndexCoordinate } from "../combine/contents.ts";
import { type Comparable, coordinateValues } from "../combine/placement.ts";
import { lengthOf, type SourcePlace } from "../combine/places.ts";
import { planContents } from "../combine/plan-contents.ts";
import { compareStatic } from "../combine/static-array.ts";
import type { IndexPlan } from "../index/plan.ts";
import type { Scan } from "../index/scan.ts";
import type { Note } from "../index/summary.ts";
import { type OpenedSource, regionOf } from "../source.ts";
import { continuesGrid } from "./continued-grid.ts";
import type { GroupChange } from "./group-change.ts";
import { MADE_ANEW, WRITTEN, withoutWritten } from "./kept-chunks.ts";
import type { Written } from "./written-by-others.ts";

/** Options of the index that say nothing against it. */
type InPlaceOptions = Parameters<typeof planContents>[2];

/** Whether anything speaks against it before any source is opened. */
export function mayStayInPlace(change: GroupChange, options: InPlaceOptions): boolean {
  const { known, changed, gone, fresh } = change;
  const { places, sources } = known;
  const prefix = change.group === "/" ? "" : change.group;
  const isOne = places !== undefined && [...places.sources.values()].every(({ group }) => group === prefix);
  return (
    isOne &&
    places.dimensions.length === 1 &&
    changed.length > 0 &&
    changed.every((address) => places.sources.has(address)) &&
    changed.length < sources.length &&
    gone.length === 0 &&
    options.drift !== "split" &&
    (options.attributes ?? "override") === "override" &&
    // Where what is new belongs, its coordinates and those of all others tell.
    (options.byCoords !== true || fresh.length === 0)
  );
}

/** The group as it is stored. */
interface StoredGroup {
  /** Without what others made, and what they wrote of arrays that have not the dimension: that stays as it is. */
  readonly contents: Contents;
  /** All paths that it has. */
  readonly paths: ReadonlySet<string>;
}

async function storedGroup(
  existing: OpenedSource,
  { group, known }: GroupChange,
  { made, updated, chunks }: Written,
  dimension: string,
  options: InPlaceOptions,
): Promise<StoredGroup | undefined> {
  const root = await nodeBelow(existing.root, group, options);
  if (root?.kind !== "group") return undefined;
  const stored = await contentsOf({ ...existing, root }, options);
  const above = group === "/" ? "" : group;
  const foreign = known.others.filter((other) => other !== group && other.startsWith(`${above}/`));
  const arrays = [...stored.arrays].filter(([path, { metadata }]) => {
    const target = `${above}${path}`;
    const isForeign = made.has(target) || foreign.some((other) => target.startsWith(`${other}/`));
    const isWritten = updated.has(target) || chunks.has(target);
    return !isForeign && (metadata.dimensionNames?.includes(dimension) === true || !isWritten);
  });
  const contents = { ...stored, arrays: new Map(arrays), faults: new Map(), isStored: true };
  return { contents, paths: new Set(stored.arrays.keys()) };
}

/** The arrays without the dimension whose chunks lie in sources that changed. */
async function staleArrays(
  { arrays }: Contents,
  dimension: string,
  changed: ReadonlySet<string>,
  options: InPlaceOptions,
): Promise<Set<string>> {
  const stale = new Set<string>();
  for (const [path, { metadata, manifest }] of arrays) {
    if (metadata.dimensionNames?.includes(dimension) === true) continue;
    const { locations = [] } = (await manifest?.(options)) ?? {};
    if (locations.some((location) => changed.has(location))) stale.add(path);
  }
  return stale;
}

/**
 * Plans what changes; undefined where a source has other arrays, lengths or coordinates than it had, so that all must be
 * planned anew.
 *
 * Errors: those of the sources; `Incompatible` where they no longer fit to the others.
 *
 * @param existing the repository at the base of the change
 * @param open scans sources
 */
export async function planInPlace(
  existing: OpenedSource,
  change: GroupChange,
  written: Written,
  open: (addresses: readonly string[]) => Scan,
  options: InPlaceOptions,
): Promise<{ readonly plan: IndexPlan; readonly scan: Scan } | undefined> {
  const { known, changed, fresh, group } = change;
  const [dimension = ""] = known.places?.dimensions ?? [];
  const whole = await storedGroup(existing, change, written, dimension, options);
  if (whole === undefined) return undefined;
  const stored = whole.contents;
  const first = known.sources[0]?.address;
  const leads = first !== undefined && changed.includes(first);
  // What is the same in all came from the source that was named first; placed by coordinates, it need not stand first.
  const begin = changed.filter((address) => known.places?.sources.get(address)?.start[0] === 0);
  if (begin.some((address) => address !== first) || (leads && begin.length === 0)) return undefined;
  const stale = await staleArrays(stored, dimension, new Set(changed), options);
  if (stale.size > 0 && !leads) return undefined;
  const witness = known.sources.find(({ address }) => !changed.includes(address))?.address;
  const compared = stale.size > 0 && witness !== undefined ? [witness] : [];
  const scan = open([...changed, ...fresh, ...compared]);
  const opened = await scan.openAll();
  if (scan.failed.length > 0) return undefined;
  const contents: Contents[] = [{ ...stored, stale }];
  const staying = new Set<string>();
  for (const source of opened) {
    if (source.address === witness) continue;
    const place = known.places?.sources.get(source.address);
    const found = await contentsOf(source, options);
    if (place === undefined) contents.push(found);
    else if (await standsThere(found, whole, place, dimension, change, options)) {
      contents.push({ ...withoutOthers(found, stored), at: place.start[0] });
      for (const path of found.arrays.keys()) {
        if (whole.paths.has(path) && !stored.arrays.has(path)) staying.add(path);
      }
    } else return undefined;
  }
  const other = opened.find(({ address }) => address === witness);
  if (other) await compareStale(stale, contents, await contentsOf(other, options), options);
  const prefix = group === "/" ? "" : group;
  // What others made along the dimension would be shorter than all else.
  if (fresh.length > 0 && [...staying].some((path) => written.made.has(`${prefix}${path}`))) return undefined;
  const along = { ...options, concat: dimension, byCoords: false };
  const plan = await planContents(contents, prefix, along);
  const continues = plan.nodes.every((node) => {
    if (node.kind === "group" || node.existing !== true) return true;
    const before = stored.arrays.get(node.path.slice(prefix.length));
    return before !== undefined && continuesGrid(before.metadata, node.metadata);
  });
  if (!continues) return undefined;
  const attributesAt = (path: string): JsonObject | undefined =>
    stored.arrays.get(path.slice(prefix.length))?.metadata.attributes;
  const notes = [...staying].map((path): Note => {
    const target = `${prefix}${path}`;
    const note = written.made.has(target) ? MADE_ANEW : WRITTEN;
    return { source: existing.address, path: target, note };
  });
  const left = await withoutWritten(plan, written, existing.address, attributesAt, options);
  return { plan: { ...left, notes: [...left.notes, ...notes] }, scan };
}

/** Whether a source has the arrays and lengths that it had and, where these placed it, the coordinates. */
async function standsThere(
  found: Contents,
  { contents: stored, paths }: StoredGroup,
  { start, length }: SourcePlace,
  dimension: string,
  { known }: GroupChange,
  options: InPlaceOptions,
): Promise<boolean> {
  const { join = "outer" } = options;
  const leftOut = new Set(known.beginning.written?.leftOut.map(({ path }) => path));
  if (lengthOf(found, dimension) !== length[0]) return false;
  for (const [path, { metadata }] of found.arrays) {
    const before = stored.arrays.get(path)?.metadata;
    if (before === undefined) {
      const isTaken = join === "outer" || join === "exact";
      if (isTaken && !paths.has(path) && !leftOut.has(path)) return false;
      continue;
    }
    const names = metadata.dimensionNames ?? [];
    const isSame =
      metadata.shape.length === before.shape.length &&
      metadata.shape.every((own, axis) => own === before.shape[axis] || names[axis] === dimension);
    if (!isSame) return false;
  }
  if (known.beginning.options.byCoords !== true) return true;
  for (const [path, array] of found.arrays) {
    if (!isIndexCoordinate(path, array) || array.metadata.dimensionNames?.[0] !== dimension) continue;
    const now = await coordinateValues(found, path, options);
    const before = await storedValues(stored, path, start[0], length[0], options);
    if (now.join() !== before?.join()) return false;
  }
  return true;
}

/** Undefined where the values lie in a source that is no longer what it was. */
async function storedValues(
  stored: Contents,
  path: string,
  start: number | undefined,
  length: number | undefined,
  options: InPlaceOptions,
): Promise<Comparable[] | undefined> {
  try {
    return await coordinateValues(stored, path, options, start, length);
  } catch (error) {
    if (isMoraineError(error, "SourceChanged")) return undefined;
    throw error;
  }
}

/** Only what the target has. */
function withoutOthers(found: Contents, { arrays }: Contents): Contents {
  return {
    ...found,
    arrays: new Map([...found.arrays].filter(([path]) => arrays.has(path))),
    faults: new Map([...found.faults].filter(([path]) => arrays.has(path))),
  };
}

/** Compares what the first source has now with what another has: what is stored cannot be read any more. */
async function compareStale(
  stale: ReadonlySet<string>,
  contents: readonly Contents[],
  other: Contents,
  options: InPlaceOptions,
): Promise<void> {
  if (options.compat === "override") return;
  for (const path of stale) {
    const pieces = [...contents.filter(({ isStored }) => isStored !== true), other].flatMap((one) => {
      const array = one.arrays.get(path);
      if (array === undefined) return [];
      const region = regionOf(one.source, path, array);
      return [{ source: one.source.address, metadata: array.metadata, manifest: undefined, region }];
    });
    await compareStatic(pieces, path, options);
  }
}
