import fc from "fast-check";
import { itemSize } from "../../src/data-types/data-type.ts";
import type { ChunkManifest } from "../../src/manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../src/manifest/manifest-builder.ts";
import type { ReferencedArray } from "../../src/manifest/split-chunks.ts";
import type { ArrayMetadata, ChunkGrid } from "../../src/zarr/array-metadata.ts";
import { chunkExtent, gridShapeOf } from "../../src/zarr/chunk-grid.ts";

export const MISSING = "missing";

export function metadataOf(shape: readonly number[], chunkGrid: ChunkGrid, plain: boolean): ArrayMetadata {
  const bytes = { name: "bytes", configuration: { endian: "little" } };
  return {
    shape,
    chunkGrid,
    dataType: { name: "int16" },
    chunkKeyEncoding: { name: "default", separator: "/" },
    fillValue: new Uint8Array(2),
    codecs: plain ? [bytes] : [bytes, { name: "zstd", configuration: { level: 1, checksum: false } }],
    attributes: {},
  };
}

/** A grid where each chunk is one element, so that elements are chunks. */
export function unitArray(
  shape: readonly number[],
  name: string,
  choices: readonly number[] = [],
): ReferencedArray {
  const metadata = metadataOf(shape, { name: "regular", chunkShape: shape.map(() => 1) }, true);
  return { metadata, manifest: manifestOf(metadata, name, choices) };
}

/** Shapes of arrays of up to three axes. */
export const shapes: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 4 }), {
  minLength: 1,
  maxLength: 3,
});

export function product(lengths: readonly number[]): number {
  return lengths.reduce((total, length) => total * length, 1);
}

export function unravel(position: number, shape: readonly number[]): number[] {
  const indexes = new Array<number>(shape.length).fill(0);
  let rest = position;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    indexes[axis] = rest % (shape[axis] ?? 1);
    rest = Math.floor(rest / (shape[axis] ?? 1));
  }
  return indexes;
}

export function ravel(indexes: readonly number[], shape: readonly number[]): number {
  return indexes.reduce((position, index, axis) => position * (shape[axis] ?? 1) + index, 0);
}

/**
 * What each element is: the byte where it lies when chunks are plain bytes, else the chunk that holds it, the
 * shape in which that was stored, and where in it.
 */
export function elementsOf({ metadata, manifest }: ReferencedArray): string[] {
  const size = itemSize(metadata.dataType) ?? 0;
  const plain = metadata.codecs.length === 1;
  const entries = new Map(
    Array.from({ length: manifest.count }, (_, entry) => [manifest.positions?.[entry] ?? entry, entry]),
  );
  const elements = new Array<string>(product(metadata.shape)).fill(MISSING);
  const gridShape = gridShapeOf(metadata);
  for (let position = 0; position < product(gridShape); position++) {
    const entry = entries.get(position);
    if (entry === undefined) continue;
    const location = manifest.locations[manifest.locationIndexes?.[entry] ?? 0];
    const offset = manifest.offsets[entry] ?? 0;
    const extent = chunkExtent(metadata, unravel(position, gridShape));
    const mask = manifest.filterMasks?.[entry] ?? 0;
    for (let inside = 0; inside < product(extent.inside); inside++) {
      const within = unravel(inside, extent.inside);
      const index = within.map((at, axis) => at + (extent.start[axis] ?? 0));
      const at = ravel(within, extent.shape);
      const inline = manifest.inline.get(entry);
      const place = inline
        ? `inline ${[...inline.subarray(at * size, (at + 1) * size)]}`
        : plain
          ? `${location}@${offset + at * size}`
          : `${location}@${offset} ${extent.shape.join("x")}[${at}]/${mask}`;
      elements[ravel(index, metadata.shape)] = place;
      if (plain && (at + 1) * size > (manifest.lengths[entry] ?? 0)) throw new Error("beyond the reference");
    }
  }
  return elements;
}

/** Joins C-order elements of arrays along an axis. */
export function concatenateElements(
  parts: readonly { readonly shape: readonly number[]; readonly elements: readonly string[] }[],
  axis: number,
): string[] {
  const shape = parts[0]?.shape ?? [];
  const outer = product(shape.slice(0, axis));
  const inner = product(shape.slice(axis + 1));
  return Array.from({ length: outer }, (_, index) =>
    parts.flatMap((part) => {
      const row = (part.shape[axis] ?? 0) * inner;
      return part.elements.slice(index * row, (index + 1) * row);
    }),
  ).flat();
}

/** A manifest for an array: chunks after one another in a file of the given name, some missing, some inline. */
export function manifestOf(
  metadata: ArrayMetadata,
  name: string,
  choices: readonly number[],
  withMasks = false,
): ChunkManifest {
  const gridShape = gridShapeOf(metadata);
  const builder = new ManifestBuilder(gridShape, `memory://${name}`, { etag: name });
  const second = builder.addLocation(`memory://${name}-2`);
  const size = itemSize(metadata.dataType) ?? 0;
  let offset = 100;
  for (let position = 0; position < product(gridShape); position++) {
    const choice = choices.length === 0 ? 0 : (choices[position % choices.length] ?? 0);
    const length = product(chunkExtent(metadata, unravel(position, gridShape)).shape) * size;
    if (choice === 1) continue;
    if (choice === 2 && metadata.codecs.length === 1) {
      builder.appendInline(
        position,
        Uint8Array.from({ length }, (_, at) => (at + position + name.length) % 251),
      );
    } else {
      builder.append(position, offset, length, withMasks && choice === 3 ? 1 : 0, choice === 4 ? second : 0);
    }
    offset += length + 7;
  }
  return builder.build();
}

/** Choices for the chunks of a manifest: mostly stored, some missing, inline or elsewhere. */
export const chunkChoices: fc.Arbitrary<number[]> = fc.oneof(
  fc.constant<number[]>([]),
  fc.array(fc.nat(5), { minLength: 1, maxLength: 7 }),
);
