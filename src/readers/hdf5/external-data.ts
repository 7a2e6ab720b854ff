/**
 * Raw data in other files (specification 4.0, IV.A.2.h "The Data Storage - External Data Files Message").
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import type { ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import { nameOf, relativeAddress } from "../../storage/address.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import type { ExternalFiles } from "./data-layout.ts";
import { externalAddresses } from "./file-set.ts";
import type { GraphFile } from "./object-graph.ts";

/** A piece of the data, in order. */
interface Segment {
  readonly address: string;
  readonly offset: number;
  readonly length: number;
}

/** The same by the name that the file gives. */
interface NamedSegment {
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

export interface ExternalPieces {
  readonly chunkShape: readonly number[];
  readonly manifest: ManifestLoader;
}

/** Chunks that an array may be cut into so that each lies in one file. */
const MAXIMUM_CHUNKS = 1_000_000;
/** Data that lie in files in such a way that no chunk lies in one are held in memory. */
const MAXIMUM_INLINE = 64 * 1024 * 1024;

/**
 * The chunks of an array whose data lie in external files, which are found relative to the file's own folder. Bytes
 * beyond the end of one are zeros, as in the library (`H5D__efl_read`).
 *
 * Errors: `NotFound` for a file that is not there, `CorruptFile` where the files hold less than the array,
 * `LimitExceeded`.
 */
export async function externalPieces(
  { file }: GraphFile,
  external: ExternalFiles,
  shape: readonly number[],
  elementSize: number,
  storage: Storage,
  options?: StorageOptions,
): Promise<ExternalPieces> {
  const size = shape.reduce((product, length) => product * length, elementSize);
  const names = await file.localHeapTexts(
    external.heapAddress,
    external.slots.map(({ nameOffset }) => nameOffset),
    options,
  );
  const named: NamedSegment[] = [];
  let covered = 0;
  external.slots.forEach((slot, i) => {
    const length = Math.min(slot.size ?? size, size - covered);
    if (length <= 0) return;
    named.push({ name: names[i] ?? "", offset: slot.offset, length });
    covered += length;
  });
  if (covered < size) {
    throw new MoraineError("CorruptFile", `external files hold ${covered} of the array's ${size} bytes`, {
      source: file.metadata.source,
    });
  }
  const files = new Map<string, ExternalFile>();
  await Promise.all(
    [...new Set(named.map(({ name }) => name))].map(async (name) => {
      files.set(name, await findFile(file.metadata.source, name, storage, options));
    }),
  );
  const segments = named.map(({ name, offset, length }): Segment => {
    return { address: files.get(name)?.address ?? "", offset, length };
  });
  const versions = new Map(Array.from(files.values(), ({ address, version }) => [address, version]));
  const complete = segments.every(({ address, offset, length }) => {
    return offset + length <= (versions.get(address)?.size ?? 0);
  });
  const chunkShape = complete ? commonChunkShape(segments, shape, elementSize) : undefined;
  return chunkShape
    ? { chunkShape, manifest: cutManifest(segments, versions, shape, chunkShape, elementSize) }
    : { chunkShape: shape, manifest: inlineManifest(segments, versions, shape, size, storage) };
}

interface ExternalFile {
  readonly address: string;
  readonly version: Version;
}

/**
 * The library looks in the working folder of whoever reads, which a file cannot know: what it names is looked for
 * relative to the file, then beside it.
 */
async function findFile(
  source: string,
  name: string,
  storage: Storage,
  options: StorageOptions | undefined,
): Promise<ExternalFile> {
  const candidates = [...externalAddresses(source, name), relativeAddress(source, nameOf(name))];
  for (const address of candidates) {
    try {
      return { address, version: await storage.head(address, options) };
    } catch (error) {
      if (!isMoraineError(error, "NotFound")) throw error;
    }
  }
  throw new MoraineError("NotFound", `the external file "${name}" is not there`, { source: candidates[0] });
}

/** The largest chunks that all lie within one segment each; undefined where there are none. */
function commonChunkShape(
  segments: readonly Segment[],
  shape: readonly number[],
  elementSize: number,
): readonly number[] | undefined {
  let bytes = 0;
  let end = 0;
  for (const { length } of segments.slice(0, -1)) {
    end += length;
    bytes = greatestDivisor(bytes, end);
  }
  if (bytes === 0) return shape;
  const chunkShape = [...shape];
  let step = shape.reduce((product, length) => product * length, elementSize);
  let chunks = 1;
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis] ?? 1;
    step /= length;
    if (bytes % step === 0) {
      // A last chunk that reaches beyond the array would need bytes that are not there.
      chunkShape[axis] = greatestDivisor(bytes / step, length);
      chunks *= Math.ceil(length / (chunkShape[axis] ?? 1));
      return chunks <= MAXIMUM_CHUNKS ? chunkShape : undefined;
    }
    chunkShape[axis] = 1;
    chunks *= length;
  }
  return undefined;
}

function greatestDivisor(a: number, b: number): number {
  while (b > 0) [a, b] = [b, a % b];
  return a;
}

function cutManifest(
  segments: readonly Segment[],
  versions: ReadonlyMap<string, Version | undefined>,
  shape: readonly number[],
  chunkShape: readonly number[],
  elementSize: number,
): ManifestLoader {
  const [first, ...others] = new Set(segments.map(({ address }) => address));
  const gridShape = shape.map((length, axis) => Math.ceil(length / (chunkShape[axis] ?? 1)));
  const builder = new ManifestBuilder(gridShape, first ?? "", versions.get(first ?? ""));
  const locations = new Map([[first, 0]]);
  for (const address of others) locations.set(address, builder.addLocation(address, versions.get(address)));
  const size = shape.reduce((product, length) => product * length, elementSize);
  const chunkBytes = chunkShape.reduce((product, length) => product * length, elementSize);
  let at = 0;
  let segment = 0;
  let start = 0;
  for (let chunk = 0; chunk < builder.cells; chunk++, at += chunkBytes) {
    let current = segments[segment];
    while (current && at >= start + current.length) {
      start += current.length;
      current = segments[++segment];
    }
    if (!current) break;
    const length = Math.min(chunkBytes, size - at);
    builder.append(chunk, current.offset + at - start, length, 0, locations.get(current.address));
  }
  const manifest = builder.build();
  return () => Promise.resolve(manifest);
}

/** The whole array in one chunk that is put together here. */
function inlineManifest(
  segments: readonly Segment[],
  versions: ReadonlyMap<string, Version | undefined>,
  shape: readonly number[],
  size: number,
  storage: Storage,
): ManifestLoader {
  if (size > MAXIMUM_INLINE) {
    throw new MoraineError(
      "LimitExceeded",
      `${size} bytes lie in external files that do not hold whole rows`,
    );
  }
  return async (options) => {
    const whole = new Uint8Array(size);
    let at = 0;
    for (const { address, offset, length } of segments) {
      const version = versions.get(address);
      const there = Math.max(0, Math.min(length, (version?.size ?? 0) - offset));
      if (there > 0) {
        const { parts } = await storage.read(address, [{ offset, length: there }], { ...options, version });
        if (parts[0]) whole.set(parts[0], at);
      }
      at += length;
    }
    const builder = new ManifestBuilder(
      shape.map(() => 1),
      segments[0]?.address ?? "",
    );
    builder.appendInline(0, whole);
    return builder.build();
  };
}
