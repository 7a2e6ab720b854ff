/**
 * Puts new data in the place of old: chunks of a repository, wherever they lie, become native ones with new values.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ZarrArray } from "../../zarr/node.ts";
import { slice } from "../../zarr/selection.ts";
import { writeRaw } from "../../zarr/write/write.ts";
import { type DriftKind, describeDrift, findDrift } from "../combine/drift.ts";
import { slabs } from "../digest.ts";
import { openSource } from "../open.ts";
import { type AddressedRepositoryOptions, Repository } from "../repository.ts";
import { absolutePath, arrayOf, type OpenedSource, walkSource } from "../source.ts";
import { arrayPaths } from "./chunk-batches.ts";
import { type CampaignOptions, type CampaignSummary, commitBatches } from "./commit-batches.ts";
import { cellCount, gridBoxOf } from "./grid-box.ts";
import { dataAxes, placeOf } from "./placement.ts";
import { type ArrayFinder, type Box, boxOf, type Condition, parseConditions } from "./where.ts";

/** Which values are replaced. */
export interface ReplaceOptions extends AddressedRepositoryOptions, Pick<CampaignOptions, "onProgress"> {
  /** An array, or a group whose arrays are meant. Default: all that the new data has too. */
  readonly path?: string | undefined;
  /** Only this part: `time=2020-01..2020-12`, or conditions. */
  readonly where?: string | readonly Condition[] | undefined;
  /** Default main. */
  readonly branch?: string | undefined;
  readonly message?: string | undefined;
}

/** What was replaced. */
export interface ReplaceSummary extends CampaignSummary {
  /** Arrays of the new data that were not used: the repository has none of this path, or nothing of them was meant. */
  readonly passedOver: readonly string[];
}

/** A part of an array that gets new values. */
interface Replacement {
  readonly path: string;
  readonly data: ZarrArray;
  readonly box: Box;
  /** Elements of the new data that come first, along each axis of the array. */
  readonly from: readonly number[];
  /** For each axis of the array the one of the new data; see `dataAxes`. */
  readonly axes: readonly (number | undefined)[];
}

/**
 * Replaces values by those of a source, in one commit: each array that the repository and the source have under one
 * path, where the source's coordinates say; an array without coordinates must be as long as the part that is asked for.
 * Chunks that are only partly covered keep their other values.
 *
 * Errors: `Incompatible` for other types, packing or units, or data that fits nowhere; `InvalidArgument` where nothing is
 * replaced; `Conflict` where others change the same chunks; those of reading.
 *
 * @param from address of the new data: any source
 * @example
 * await replace("archive.icechunk", "corrected-2020.nc", { where: "time=2020-01..2020-12" });
 */
export async function replace(
  address: string,
  from: string,
  options: ReplaceOptions = {},
): Promise<ReplaceSummary> {
  const { branch = "main", signal, onProgress } = options;
  const repository = await Repository.open(address, options);
  const { authorize, ...others } = options;
  const source = await openSource(from, { ...others, ...(authorize !== "all" && { authorize }) });
  try {
    const arrays = await arraysOf(source, { signal });
    const data = newDataOf(arrays, source);
    const unused = new Set([...arrays].filter(([, array]) => !isCoordinate(array)).map(([path]) => path));
    async function* whole(): AsyncGenerator<undefined, void, undefined> {
      yield undefined;
    }
    const summary = await commitBatches(
      repository,
      whole(),
      async (session) => {
        const replacements = await plan(session, data, options);
        if (replacements.length === 0) {
          throw new MoraineError("InvalidArgument", "the new data has nothing for this part", {
            source: source.address,
          });
        }
        let chunks = 0;
        let bytes = 0;
        for (const replacement of replacements) {
          const array = session.array(replacement.path);
          unused.delete(replacement.data.path);
          bytes += await write(array, replacement, { signal });
          chunks += cellCount(gridBoxOf(array.metadata, replacement.box));
        }
        return { chunks, bytes };
      },
      { branch, message: options.message ?? `replaced by ${from}`, onProgress, signal },
    );
    return { ...summary, passedOver: [...unused] };
  } finally {
    await source.close();
  }
}

/** The arrays of a source by path. */
async function arraysOf(source: OpenedSource, options: StorageOptions): Promise<Map<string, ZarrArray>> {
  const arrays = new Map<string, ZarrArray>();
  for await (const { path, node } of walkSource(source, "/", options)) {
    if (node.kind === "array" && node.hidden !== true) arrays.set(path, arrayOf(source, path, node));
  }
  return arrays;
}

/** What a source has to offer. */
interface NewArrays {
  /** The new data of an array, which is by itself in a source without names. */
  dataOf(path: string): ZarrArray | undefined;
  /** Finds its coordinates. */
  readonly find: ArrayFinder;
  /** Whether it has no names but only the array. */
  readonly isSingle: boolean;
  /** What must be the same of the new data: values without a word about them are taken as the array stores its own. */
  readonly same: readonly DriftKind[];
}

function newDataOf(arrays: ReadonlyMap<string, ZarrArray>, { address, format }: OpenedSource): NewArrays {
  const single = arrays.get("/");
  return {
    dataOf: (path) => arrays.get(path) ?? single,
    find(path) {
      const array = arrays.get(path);
      if (array) return array;
      throw new MoraineError("NotFound", `there is no array ${path}`, { source: address, path });
    },
    isSingle: single !== undefined,
    same: format === "npy" ? ["data type"] : ["data type", "packing", "units"],
  };
}

async function plan(
  session: Session,
  { dataOf, find, isSingle, same }: NewArrays,
  { path, where: asked, signal }: ReplaceOptions,
): Promise<Replacement[]> {
  if (isSingle && session.node(absolutePath(path ?? "/"))?.kind !== "array") {
    throw new MoraineError(
      "InvalidArgument",
      "the new data is an array without a name: say which one it replaces",
      {
        path: absolutePath(path ?? "/"),
      },
    );
  }
  const where = typeof asked === "string" ? parseConditions(asked) : (asked ?? []);
  const replacements: Replacement[] = [];
  const own = (other: string) => session.array(other);
  for (const target of arrayPaths(session, path)) {
    const array = own(target);
    const data = dataOf(target);
    // Coordinates say where the data belongs: they are the same in both.
    if (data === undefined || (isCoordinate(array) && !isSingle)) continue;
    const part =
      where.length > 0
        ? await boxOf(array, where, own, { signal })
        : { start: array.shape.map(() => 0), stop: array.shape };
    if (part === undefined) continue;
    const [drift] = findDrift(
      [
        { source: session.address, metadata: array.metadata },
        { source: data.source ?? "the new data", metadata: data.metadata },
      ],
      same,
    );
    if (drift) throw new MoraineError("Incompatible", describeDrift(drift), { path: target });
    const place = await placeOf(array, own, { array: data, find }, part, { signal });
    const box = {
      start: place.start.map((first, axis) => Math.max(first, part.start[axis] ?? 0)),
      stop: place.stop.map((end, axis) => Math.min(end, part.stop[axis] ?? 0)),
    };
    if (cellCount(box) === 0) continue;
    const from = box.start.map((first, axis) => first - (place.start[axis] ?? 0));
    replacements.push({ path: target, data, box, from, axes: dataAxes(array, data, part) });
  }
  return replacements;
}

function isCoordinate({ path, dimensionNames }: ZarrArray): boolean {
  return dimensionNames?.length === 1 && path.endsWith(`/${dimensionNames[0]}`);
}

/** Writes new values, some tens of MiB at a time; gives their bytes in number. */
async function write(
  array: ZarrArray,
  { data, box, from, axes }: Replacement,
  options: StorageOptions,
): Promise<number> {
  const shape = box.start.map((first, axis) => (box.stop[axis] ?? 0) - first);
  const { chunkGrid, dataType } = array.metadata;
  let bytes = 0;
  for (const part of slabs({ shape, chunkGrid, dataType })) {
    options.signal?.throwIfAborted();
    const values = await data.readRegion(
      part.flatMap(([first], axis) => (axes[axis] === undefined ? [] : first + (from[axis] ?? 0))),
      part.flatMap(([first, end], axis) => (axes[axis] === undefined ? [] : end - first)),
      options,
    );
    const selection = part.map(([first, end], axis) =>
      slice(first + (box.start[axis] ?? 0), end + (box.start[axis] ?? 0)),
    );
    await writeRaw(array, selection, values, options);
    if (values instanceof Uint8Array) bytes += values.length;
  }
  return bytes;
}
