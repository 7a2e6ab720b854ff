/**
 * What becomes of each array of a source: references as they lie, chunks stored decoded, or nothing.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import type { ChunkData } from "../../codecs/codec.ts";
import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { Barrier, VirtualArray } from "../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { ZarrArray } from "../../zarr/node.ts";
import { officialBarrier } from "../official-clients.ts";
import type { OpenedSource } from "../source.ts";
import { walk } from "../tree.ts";
import type { ChangedArray } from "./summary.ts";

/** Reads a part of an array: elements in C order. */
export type RegionReader = (
  start: readonly number[],
  shape: readonly number[],
  options?: StorageOptions,
) => Promise<ChunkData>;

/** An array of the target. */
export interface ArrayPlan {
  readonly kind: "array";
  readonly path: string;
  readonly metadata: ArrayMetadata;
  /** The chunks that stay where they are. */
  readonly references: ChunkManifest | undefined;
  /** C-order grid positions of the chunks to be stored decoded; `"all"`: every one that is not fill value. */
  readonly rewrite: "all" | readonly number[];
  readonly region: RegionReader;
}

export interface GroupPlan {
  readonly kind: "group";
  readonly path: string;
  readonly attributes: JsonObject;
}

/** Everything that will be written, and what is told of it. */
export interface IndexPlan {
  readonly nodes: readonly (GroupPlan | ArrayPlan)[];
  readonly decoded: readonly ChangedArray[];
  readonly leftOut: readonly ChangedArray[];
  readonly notes: readonly { readonly source: string; readonly path: string; readonly note: string }[];
}

export interface PlanOptions extends StorageOptions {
  /** Bytes (decoded) up to which an array is stored decoded where it cannot be virtual. */
  readonly materializeLimit: number;
  /** Arrays that would be left out are an error instead. */
  readonly strict: boolean;
}

/** Plans one source as it is. `prefix` is the path in the target: empty, or `/name`. */
export async function planSource(
  source: OpenedSource,
  prefix: string,
  options: PlanOptions,
): Promise<IndexPlan> {
  const nodes: (GroupPlan | ArrayPlan)[] = [];
  const decoded: ChangedArray[] = [];
  const leftOut: ChangedArray[] = [];
  const notes: { source: string; path: string; note: string }[] = [];
  const waiting: (() => Promise<void>)[] = [];
  const omit = (path: string, error: MoraineError) => {
    if (options.strict) throw error.at({ source: source.address, path });
    leftOut.push({ source: source.address, path, code: error.code, reason: error.message });
  };
  if (source.root.kind === "array") {
    throw new MoraineError("InvalidArgument", "this is an array by itself; index the group that holds it", {
      source: source.address,
    });
  }
  const seen = new Map<VirtualArray, string>();
  for await (const { path, node } of walk(source.root, options)) {
    const target = `${prefix}${path === "/" ? "" : path}` || "/";
    if (node.kind === "group") {
      nodes.push({ kind: "group", path: target, attributes: node.attributes });
    } else if (node.hidden === true) {
      notes.push({
        source: source.address,
        path,
        note: "a dimension without values of its own: not an array",
      });
    } else if (node.kind === "fault") {
      omit(path, node.error);
    } else {
      const first = seen.get(node);
      if (first !== undefined)
        notes.push({ source: source.address, path, note: `the same array as ${first}` });
      else seen.set(node, path);
      for (const note of node.notes ?? []) notes.push({ source: source.address, path, note });
      const position = nodes.length;
      const placeholder: GroupPlan = { kind: "group", path: target, attributes: {} };
      nodes.push(placeholder);
      waiting.push(async () => {
        try {
          const { plan, changed } = await planArray(source, path, target, node, options);
          nodes[position] = plan;
          if (changed) decoded.push(changed);
        } catch (error) {
          if (!isMoraineError(error) || error.code === "Aborted") throw error;
          nodes.splice(nodes.indexOf(placeholder), 1, { kind: "group", path: "", attributes: {} });
          omit(path, error);
        }
      });
    }
  }
  // Side by side: each array's chunk index costs round trips of its own.
  await Promise.all(waiting.map((plan) => plan()));
  return { nodes: nodes.filter((node) => node.path !== ""), decoded, leftOut, notes };
}

/** Plans one array; throws why it must be left out. */
async function planArray(
  source: OpenedSource,
  path: string,
  target: string,
  array: VirtualArray,
  options: PlanOptions,
): Promise<{ plan: ArrayPlan; changed?: ChangedArray }> {
  const region = regionReader(source, path, array);
  const changed = (barrier: Barrier): ChangedArray => ({
    source: source.address,
    path,
    code: barrier.code,
    reason: barrier.reason,
  });
  const barrier =
    array.barrier ??
    officialBarrier(array.metadata) ??
    (array.manifest === undefined
      ? { code: "UnsupportedLayout" as const, reason: "its chunks have no place of their own" }
      : undefined);
  if (barrier !== undefined || array.manifest === undefined) {
    const why = barrier ?? { code: "UnsupportedLayout", reason: "its chunks have no place of their own" };
    const metadata = decodedForm(array.metadata);
    checkBudget(metadata, why, options.materializeLimit);
    return {
      plan: { kind: "array", path: target, metadata, references: undefined, rewrite: "all", region },
      changed: changed(why),
    };
  }
  const manifest = await array.manifest(options);
  const { references, rewrite } = splitMasked(manifest);
  return {
    plan: { kind: "array", path: target, metadata: array.metadata, references, rewrite, region },
    ...(rewrite.length > 0 && {
      changed: changed({
        code: "UnsupportedFilter",
        reason: `${rewrite.length} chunks were stored without some of the filters, which Zarr cannot say: these are stored anew`,
      }),
    }),
  };
}

/** Reads regions of one array of a source. */
export function regionReader(source: OpenedSource, path: string, array: VirtualArray): RegionReader {
  const reader = new ZarrArray({
    metadata: array.metadata,
    chunks: array.chunks,
    storage: source.storage,
    path,
    source: source.address,
  });
  return (start, shape, options) => reader.readRegion(start, shape, options);
}

/** The array as it is stored when its own encoding cannot stay: little-endian, compressed by zstd. */
export function decodedForm(metadata: ArrayMetadata): ArrayMetadata {
  const size = itemSize(metadata.dataType);
  const bytes =
    metadata.dataType.name === "string"
      ? { name: "vlen-utf8", configuration: {} }
      : metadata.dataType.name === "variable_length_bytes"
        ? { name: "vlen-bytes", configuration: {} }
        : size === 1
          ? { name: "bytes" }
          : { name: "bytes", configuration: { endian: "little" } };
  const refused = officialBarrier({ ...metadata, codecs: [bytes] });
  if (refused) throw new MoraineError(refused.code, refused.reason);
  return {
    ...metadata,
    codecs: [bytes, { name: "zstd", configuration: { level: 3, checksum: false } }],
  };
}

function checkBudget(metadata: ArrayMetadata, barrier: Barrier, limit: number): void {
  const size = itemSize(metadata.dataType) ?? 16;
  const bytes = metadata.shape.reduce((product, length) => product * length, size);
  if (bytes > limit) {
    throw new MoraineError(
      barrier.code,
      `${barrier.reason}; decoded it has ${bytes} bytes, more than --materialize-limit ${limit}`,
    );
  }
}

/** Takes the entries with a filter mask out of a manifest: Zarr's codecs are the same for every chunk. */
function splitMasked(manifest: ChunkManifest): { references: ChunkManifest; rewrite: number[] } {
  const masks = manifest.filterMasks;
  if (masks === undefined) return { references: manifest, rewrite: [] };
  const kept: number[] = [];
  const rewrite: number[] = [];
  for (let entry = 0; entry < manifest.count; entry++) {
    if ((masks[entry] ?? 0) === 0) kept.push(entry);
    else rewrite.push(manifest.positions?.[entry] ?? entry);
  }
  const inline = new Map<number, Uint8Array>();
  kept.forEach((entry, position) => {
    const bytes = manifest.inline.get(entry);
    if (bytes) inline.set(position, bytes);
  });
  return {
    references: {
      gridShape: manifest.gridShape,
      count: kept.length,
      positions: Float64Array.from(kept, (entry) => manifest.positions?.[entry] ?? entry),
      locations: manifest.locations,
      versions: manifest.versions,
      ...(manifest.locationIndexes && {
        locationIndexes: Uint32Array.from(kept, (entry) => manifest.locationIndexes?.[entry] ?? 0),
      }),
      offsets: Float64Array.from(kept, (entry) => manifest.offsets[entry] ?? 0),
      lengths: Float64Array.from(kept, (entry) => manifest.lengths[entry] ?? 0),
      inline,
    },
    rewrite,
  };
}

/** Number of chunks of an array. */
export function chunkCount(metadata: ArrayMetadata): number {
  return gridShapeOf(metadata).reduce((product, length) => product * length, 1);
}
