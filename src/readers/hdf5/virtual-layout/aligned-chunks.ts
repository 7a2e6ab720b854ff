/**
 * Virtual datasets whose mappings follow the chunks of their sources: the sources' chunks are theirs.
 *
 * @module
 */

import { sameBytes } from "../../../binary/byte-sequences.ts";
import { stringifyJson } from "../../../binary/json.ts";
import { createPipeline } from "../../../codecs/pipeline.ts";
import type { ChunkManifest } from "../../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../../manifest/manifest-builder.ts";
import type { ManifestLoader } from "../../../manifest/manifest-chunk-source.ts";
import type { VirtualArray } from "../../../manifest/virtual-group.ts";
import type { StorageOptions } from "../../../storage/storage.ts";
import type { ArrayMetadata } from "../../../zarr/array-metadata.ts";
import { filledChunk } from "../../../zarr/filled.ts";
import { type AxisSelection, endOf, isRun } from "./axis-selection.ts";
import type { FixedMapping } from "./extent.ts";
import type { SourceArray } from "./virtual-layout.ts";

/** Manifests of sources that are loaded at a time. */
const SIDE_BY_SIDE = 16;

export interface AlignedChunks {
  readonly chunkShape: readonly number[];
  readonly codecs: ArrayMetadata["codecs"];
  readonly manifest: ManifestLoader;
}

/** Where the chunks of a source stand in the grid of the virtual dataset. */
interface Placement {
  readonly manifest: ManifestLoader;
  /** For each axis of the source: the virtual axis, or undefined where the source has one index only. */
  readonly axes: readonly {
    readonly axis: number | undefined;
    readonly first: number;
    readonly end: number;
  }[];
  /** First chunk along each virtual axis. */
  readonly start: readonly number[];
  /** Where the source has another fill value than the virtual dataset: chunks that it does not store hold it. */
  readonly filler?: ArrayMetadata;
}

/**
 * @param location that chunks without one are said to be at
 * @returns undefined where chunks and mappings do not fit
 */
export function alignedChunks(
  mappings: readonly FixedMapping<SourceArray>[],
  shape: readonly number[],
  metadata: Pick<ArrayMetadata, "dataType" | "fillValue">,
  location: string,
): AlignedChunks | undefined {
  const [first] = mappings;
  if (!first || overlapping(mappings)) return undefined;
  const chunkShape = new Array<number | undefined>(shape.length).fill(undefined);
  const codecs = stringifyJson(codecsJson(first.source.array));
  const placements: Placement[] = [];
  for (const mapping of mappings) {
    const { array } = mapping.source;
    const same =
      array.manifest !== undefined &&
      stringifyJson(codecsJson(array)) === codecs &&
      JSON.stringify(array.metadata.dataType) === JSON.stringify(metadata.dataType);
    const placement = same ? place(mapping, shape, chunkShape) : undefined;
    if (!placement) return undefined;
    const { fillValue } = array.metadata;
    placements.push(
      sameBytes(fillValue, metadata.fillValue) ? placement : { ...placement, filler: array.metadata },
    );
  }
  const chunks = chunkShape.map((length) => length ?? 1);
  let loaded: Promise<ChunkManifest> | undefined;
  return {
    chunkShape: chunks,
    codecs: first.source.array.metadata.codecs,
    manifest: (options) => {
      loaded ??= merge(placements, shape, chunks, location, options).catch((error: unknown) => {
        loaded = undefined;
        throw error;
      });
      return loaded;
    },
  };
}

function codecsJson({ metadata }: VirtualArray): Parameters<typeof stringifyJson>[0] {
  return metadata.codecs.map(({ name, configuration }) => ({ name, configuration: configuration ?? {} }));
}

/** Mappings that two sources would fill: too rare to be worked out chunk by chunk. */
function overlapping(mappings: readonly FixedMapping<SourceArray>[]): boolean {
  const boxes = mappings.flatMap(({ to }) => (to.kind === "axes" ? [to.axes] : []));
  const sorted = boxes.toSorted((a, b) => (a[0]?.start ?? 0) - (b[0]?.start ?? 0));
  for (const [i, box] of sorted.entries()) {
    for (const other of sorted.slice(i + 1, i + 1000)) {
      if ((other[0]?.start ?? 0) >= (box[0] ? endOf(box[0]) : 1)) break;
      if (box.every((axis, at) => intersects(axis, other[at]))) return true;
    }
  }
  return false;
}

function intersects(a: AxisSelection, b: AxisSelection | undefined): boolean {
  return b !== undefined && a.start < endOf(b) && b.start < endOf(a);
}

/** Fits a mapping into the grid, which takes the chunk lengths of the first one; undefined where it does not fit. */
function place(
  { source, from, to }: FixedMapping<SourceArray>,
  shape: readonly number[],
  chunkShape: (number | undefined)[],
): Placement | undefined {
  const { metadata, manifest } = source.array;
  if (from.kind !== "axes" || to.kind !== "axes" || metadata.chunkGrid.name !== "regular" || !manifest)
    return undefined;
  if (![...from.axes, ...to.axes].every(isRun)) return undefined;
  const lengths = metadata.chunkGrid.chunkShape;
  const axes: Placement["axes"][number][] = [];
  const start: number[] = [];
  const fit = (axis: number, length: number, first: number, end: number): boolean => {
    chunkShape[axis] ??= length;
    start.push(first / length);
    return chunkShape[axis] === length && first % length === 0 && (end % length === 0 || end === shape[axis]);
  };
  let sourceAxis = 0;
  const dropSingle = (): boolean => {
    const single = from.axes[sourceAxis];
    if (single?.length !== 1 || lengths[sourceAxis] !== 1) return false;
    axes.push({ axis: undefined, first: single.start, end: single.start + 1 });
    sourceAxis += 1;
    return true;
  };
  for (const [axis, target] of to.axes.entries()) {
    let along = from.axes[sourceAxis];
    while (along && along.length !== target.length && along.length === 1) {
      if (!dropSingle()) return undefined;
      along = from.axes[sourceAxis];
    }
    if (along && along.length === target.length) {
      const length = lengths[sourceAxis] ?? 1;
      if (along.start % length !== 0 || !fit(axis, length, target.start, endOf(target))) return undefined;
      axes.push({ axis, first: along.start / length, end: Math.ceil(endOf(along) / length) });
      sourceAxis += 1;
    } else if (target.length !== 1 || !fit(axis, 1, target.start, target.start + 1)) {
      return undefined;
    }
  }
  while (sourceAxis < from.axes.length) if (!dropSingle()) return undefined;
  return { manifest, axes, start };
}

async function merge(
  placements: readonly Placement[],
  shape: readonly number[],
  chunkShape: readonly number[],
  location: string,
  options: StorageOptions | undefined,
): Promise<ChunkManifest> {
  const builder = new ManifestBuilder(
    shape.map((length, axis) => Math.ceil(length / (chunkShape[axis] ?? 1))),
    location,
  );
  const locations = new Map<string, number>();
  for (let from = 0; from < placements.length; from += SIDE_BY_SIDE) {
    const some = placements.slice(from, from + SIDE_BY_SIDE);
    const manifests = await Promise.all(some.map(({ manifest }) => manifest(options)));
    for (const [i, placement] of some.entries()) {
      const manifest = manifests[i];
      if (manifest) await append(builder, locations, placement, manifest);
    }
  }
  return builder.build();
}

async function append(
  builder: ManifestBuilder,
  locations: Map<string, number>,
  placement: Placement,
  manifest: ChunkManifest,
): Promise<void> {
  const indexes = manifest.locations.map((location, i) => {
    const known = locations.get(location);
    if (known !== undefined) return known;
    const index = builder.addLocation(location, manifest.versions[i]);
    locations.set(location, index);
    return index;
  });
  const found = new Set<number>();
  entries: for (let entry = 0; entry < manifest.count; entry++) {
    const coordinates = [...placement.start];
    let rest = manifest.positions?.[entry] ?? entry;
    for (let axis = manifest.gridShape.length - 1; axis >= 0; axis--) {
      const chunks = manifest.gridShape[axis] ?? 1;
      const coordinate = rest % chunks;
      rest = Math.floor(rest / chunks);
      const along = placement.axes[axis];
      if (!along || coordinate < along.first || coordinate >= along.end) continue entries;
      if (along.axis !== undefined)
        coordinates[along.axis] = (coordinates[along.axis] ?? 0) + coordinate - along.first;
    }
    const position = positionOf(coordinates, builder.gridShape);
    if (placement.filler) found.add(position);
    const inline = manifest.inline.get(entry);
    if (inline) builder.appendInline(position, inline);
    else {
      const index = indexes[manifest.locationIndexes?.[entry] ?? 0];
      const mask = manifest.filterMasks?.[entry] ?? 0;
      builder.append(position, manifest.offsets[entry] ?? 0, manifest.lengths[entry] ?? 0, mask, index);
    }
  }
  if (placement.filler) await appendFillers(builder, placement, placement.filler, manifest.gridShape, found);
}

/** The chunks of a source that are not stored, encoded as the others are. */
async function appendFillers(
  builder: ManifestBuilder,
  { axes, start }: Placement,
  filler: ArrayMetadata,
  sourceGrid: readonly number[],
  found: ReadonlySet<number>,
): Promise<void> {
  const lengths = axes.map(({ first, end }, axis) => Math.min(end, sourceGrid[axis] ?? 0) - first);
  const count = lengths.reduce((product, length) => product * length, 1);
  if (count === found.size) return;
  const bytes = await encodedFill(filler);
  for (let chunk = 0; chunk < count; chunk++) {
    const coordinates = [...start];
    let rest = chunk;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const target = axes[axis]?.axis;
      const length = lengths[axis] ?? 1;
      if (target !== undefined) coordinates[target] = (coordinates[target] ?? 0) + (rest % length);
      rest = Math.floor(rest / length);
    }
    const position = positionOf(coordinates, builder.gridShape);
    if (!found.has(position)) builder.appendInline(position, bytes);
  }
}

async function encodedFill({ chunkGrid, codecs, dataType, fillValue }: ArrayMetadata): Promise<Uint8Array> {
  const shape = chunkGrid.name === "regular" ? chunkGrid.chunkShape : [];
  const pipeline = createPipeline(codecs, { shape, dataType, fillValue });
  await pipeline.ready();
  return pipeline.encode(filledChunk(shape, { dataType, fillValue }));
}

function positionOf(coordinates: readonly number[], gridShape: readonly number[]): number {
  return coordinates.reduce((sum, coordinate, axis) => sum * (gridShape[axis] ?? 1) + coordinate, 0);
}
