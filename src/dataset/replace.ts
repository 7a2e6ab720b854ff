/**
 * Puts new data in the place of old data, matched by coordinates or positions: one commit.
 *
 * @module
 */

import { stringifyJson } from "../binary/json.ts";
import { dataTypeToJson } from "../data-types/data-type-json.ts";
import { MoraineError } from "../errors.ts";
import type { Repository } from "../icechunk/repository.ts";
import type { Session } from "../icechunk/session.ts";
import type { StorageOptions } from "../storage/storage.ts";
import type { ZarrArray } from "../zarr/node.ts";
import { slice } from "../zarr/selection.ts";
import { writeRaw } from "../zarr/write/write.ts";
import { type Box, coordinatesOf, partOf } from "./campaign.ts";
import { instantOf, parseTimeUnits } from "./cf-time.ts";
import { slabs } from "./digest.ts";
import { openSource, type SourceOptions } from "./open.ts";
import { arrayAt, type OpenedSource, walkSource } from "./source.ts";
import { coordinateValues, type Where } from "./where.ts";

export interface ReplaceOptions extends SourceOptions {
  /** Only what lies in this part of the repository. */
  readonly where?: Where | undefined;
  /** Group or array of the repository that the new data is matched with. Default: the root. */
  readonly path?: string | undefined;
  readonly branch?: string | undefined;
  readonly message?: string | undefined;
  readonly onProgress?: ((progress: { readonly bytes: number }) => void) | undefined;
}

export interface ReplaceSummary {
  readonly snapshot: string;
  /** What was written, by array: first element and number of elements along each axis. */
  readonly replaced: readonly {
    readonly path: string;
    readonly start: readonly number[];
    readonly shape: readonly number[];
  }[];
  /** Arrays of the new data that were passed over, and why. */
  readonly passedOver: readonly { readonly path: string; readonly reason: string }[];
}

const MAIN = "main";

/**
 * Writes the arrays of new data (a NetCDF or HDF5 file, a Zarr store, a repository) into the arrays of the same names
 * of a repository. Where both have a coordinate of a dimension, its values tell the place; else the lengths must agree.
 * Values are written as they are stored, so that both sides must have the same data type and packing.
 *
 * Errors: those of opening; `Incompatible` where values, types or packing do not fit; `NotFound` where nothing
 * matches. Nothing is committed then.
 *
 * @param from address of the new data
 */
export async function replace(
  repository: Repository,
  from: string,
  options: ReplaceOptions = {},
): Promise<ReplaceSummary> {
  const { signal, branch = MAIN } = options;
  const source = await openSource(from, options);
  const session = await repository.writableSession(branch, { signal });
  const replaced: { path: string; start: number[]; shape: number[] }[] = [];
  const passedOver: { path: string; reason: string }[] = [];
  const base = (options.path ?? "/").replace(/\/+$/, "");
  let bytes = 0;
  for await (const { path, node } of walkSource(source, "/", { signal })) {
    if (node.kind !== "array" || node.hidden === true) continue;
    const target = `${base}${path}`;
    const there = session.node(target);
    if (there?.kind !== "array") {
      passedOver.push({ path, reason: `the repository has no array ${target}` });
      continue;
    }
    if (isCoordinate(path, node.metadata.dimensionNames)) continue;
    const fresh = await arrayAt(source, path, { signal });
    const old = session.array(target);
    requireSameMeaning(fresh, old);
    const place = await placeOf(source, fresh, session, old, options);
    const meant = await partOf(session, old, options.where, { signal });
    const box = meant && intersection(place, meant);
    if (box === undefined) {
      passedOver.push({ path, reason: "nothing of it lies in the part that is meant" });
      continue;
    }
    bytes += await write(fresh, old, place, box, { signal }, (written) =>
      options.onProgress?.({ bytes: bytes + written }),
    );
    replaced.push({
      path: target,
      start: box.map(([start]) => start),
      shape: box.map(([start, stop]) => stop - start),
    });
  }
  await source.close();
  if (replaced.length === 0) {
    throw new MoraineError("NotFound", "no array of the new data has a place in the repository", {
      source: from,
    });
  }
  const snapshot = await session.commit(options.message ?? `replace from ${source.address}`, { signal });
  return { snapshot, replaced, passedOver };
}

/** Coordinates tell the place; they are not replaced themselves. */
function isCoordinate(path: string, names: readonly (string | null)[] | undefined): boolean {
  return names?.length === 1 && names[0] === path.slice(path.lastIndexOf("/") + 1);
}

/** Attributes that say what stored numbers mean. */
const MEANING = ["scale_factor", "add_offset", "_Unsigned", "units", "calendar"];

function requireSameMeaning(fresh: ZarrArray, old: ZarrArray): void {
  const [a, b] = [fresh, old].map(({ dataType }) => stringifyJson(dataTypeToJson(dataType)));
  const fail = (message: string): MoraineError =>
    new MoraineError("Incompatible", message, { path: old.path, source: fresh.source });
  if (a !== b) throw fail(`the new data is ${a}, the repository's ${b}`);
  if (fresh.shape.length !== old.shape.length) {
    throw fail(`the new data has ${fresh.shape.length} dimensions, the repository's ${old.shape.length}`);
  }
  for (const key of MEANING) {
    const [mine, theirs] = [fresh, old].map(({ attributes }) => stringifyJson(attributes[key] ?? null));
    if (mine !== theirs) throw fail(`${key} is ${mine} in the new data, ${theirs} in the repository`);
  }
}

/** Where the new data lies in the array of the repository. */
async function placeOf(
  source: OpenedSource,
  fresh: ZarrArray,
  session: Session,
  old: ZarrArray,
  options: StorageOptions,
): Promise<Box> {
  const place: [number, number][] = [];
  for (const [axis, length] of fresh.shape.entries()) {
    const name = old.dimensionNames?.[axis];
    const mine = name ? await coordinateBeside(source, fresh.path, name, options) : undefined;
    const theirs = name ? await coordinatesOf(session, old.path)(name) : undefined;
    const start =
      mine && theirs ? await matched(mine, theirs, options) : length === old.shape[axis] ? 0 : undefined;
    if (start === undefined) {
      throw new MoraineError(
        "Incompatible",
        mine && theirs
          ? `the values of ${name} are not among the repository's, one after another`
          : `axis ${axis} (${name ?? "without a name"}) has ${length} elements, the repository ${old.shape[axis]}, and no coordinate to match them by`,
        { path: old.path, source: source.address },
      );
    }
    place.push([start, start + length]);
  }
  return place;
}

/** The coordinate of a dimension in the group of an array, or in one above it. */
async function coordinateBeside(
  source: OpenedSource,
  path: string,
  name: string,
  options: StorageOptions,
): Promise<ZarrArray | undefined> {
  let group = path;
  do {
    group = group.slice(0, group.lastIndexOf("/"));
    const array = await arrayAt(source, `${group}/${name}`, options).catch((error: unknown) => {
      if (error instanceof MoraineError && error.code === "NotFound") return undefined;
      throw error;
    });
    if (array?.shape.length === 1) return array;
  } while (group !== "");
  return undefined;
}

/** Position of the first of some values among others that contain them side by side; undefined where they do not. */
async function matched(
  mine: ZarrArray,
  theirs: ZarrArray,
  options: StorageOptions,
): Promise<number | undefined> {
  const [fresh, old] = await Promise.all([comparable(mine, options), comparable(theirs, options)]);
  const [first] = fresh;
  if (first === undefined) return undefined;
  for (let start = old.indexOf(first); start >= 0; start = old.indexOf(first, start + 1)) {
    if (fresh.every((value, at) => old[start + at] === value)) return start;
  }
  return undefined;
}

/** Values that can be compared although their units differ: times as instants. */
async function comparable(
  array: ZarrArray,
  options: StorageOptions,
): Promise<(number | bigint | undefined)[]> {
  const values = await coordinateValues(array, options);
  const { units, calendar } = array.attributes;
  const time =
    typeof units === "string"
      ? parseTimeUnits(units, typeof calendar === "string" ? calendar : undefined)
      : undefined;
  return time ? values.map((value) => instantOf(value, time)) : values.map(Number);
}

function intersection(a: Box, b: Box): Box | undefined {
  const box = a.map(([start, stop], axis): [number, number] => {
    const [from = 0, to = 0] = b[axis] ?? [];
    return [Math.max(start, from), Math.min(stop, to)];
  });
  return box.some(([start, stop]) => start >= stop) ? undefined : box;
}

/** Copies a box, slab by slab. Bytes that were written. */
async function write(
  fresh: ZarrArray,
  old: ZarrArray,
  place: Box,
  box: Box,
  options: StorageOptions,
  onProgress: (bytes: number) => void,
): Promise<number> {
  const { dataType, chunkGrid } = old.metadata;
  const shape = box.map(([start, stop]) => stop - start);
  let bytes = 0;
  for (const slab of slabs({ shape, chunkGrid, dataType })) {
    options.signal?.throwIfAborted();
    const at = slab.map(([from], axis) => (box[axis]?.[0] ?? 0) + from);
    const count = slab.map(([from, to]) => to - from);
    const data = await fresh.readRegion(
      at.map((start, axis) => start - (place[axis]?.[0] ?? 0)),
      count,
      options,
    );
    const selection = at.map((start, axis) => slice(start, start + (count[axis] ?? 0)));
    await writeRaw(old, selection, data, options);
    bytes += data instanceof Uint8Array ? data.length : data.length * 16;
    onProgress(bytes);
  }
  return bytes;
}
