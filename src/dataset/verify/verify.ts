/**
 * Compares what an index reads with what others read from the original files.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import type { ChunkData } from "../../codecs/codec.ts";
import { decodeElements } from "../../data-types/elements.ts";
import type { MoraineError } from "../../errors.ts";
import { type ChunkManifest, entryCoordinates } from "../../manifest/chunk-manifest.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import { chunkExtent } from "../../zarr/chunk-grid.ts";
import { openSource, type SourceOptions } from "../open.ts";
import { arrayOf, faultOf, type OpenedSource, walkSource } from "../source.ts";
import { type IndependentReader, NotComparable } from "./independent-reader.ts";
import { OriginalFiles } from "./original-files.ts";
import { Placements } from "./placements.ts";

/** How much is compared, and who is told of progress. */
export interface VerifyOptions extends SourceOptions {
  /** Chunks of each array that are compared, spread over it. Default: all. */
  readonly sample?: number | undefined;
  /** Bytes of an original file up to which it is read whole for the other reader. Default 1 GiB. */
  readonly fileLimit?: number | undefined;
  readonly onProgress?: ((progress: { readonly chunks: number }) => void) | undefined;
}

/** A chunk that reads differently. */
export interface Difference {
  readonly path: string;
  readonly coordinates: readonly number[];
  /** Address of the original file, and the variable in it. */
  readonly source: string;
  readonly sourcePath: string;
  readonly reason: string;
}

/** What the comparison found. */
export interface VerifySummary {
  readonly target: string;
  readonly arrays: number;
  /** Chunks that read the same through both. */
  readonly equal: number;
  readonly different: readonly Difference[];
  /** Chunks that could not be compared, by array and reason. */
  readonly notCompared: readonly {
    readonly path: string;
    readonly reason: string;
    readonly chunks: number;
  }[];
}

/**
 * Reads chunks through the references of an index and from the original files with libhdf5 (h5wasm) or netcdfjs, and
 * compares the values. Only chunks that lie in the original files are compared: what was stored anew is the target's.
 *
 * Errors: those of opening the target.
 *
 * @example
 * const { equal, different } = await verify("archive.icechunk", { sample: 10 });
 */
export async function verify(target: string, options: VerifyOptions = {}): Promise<VerifySummary> {
  const source = await openSource(target, options);
  const run = new Verification(source, options);
  try {
    let arrays = 0;
    for await (const { path, node } of walkSource(source, "/", options)) {
      if (node.kind !== "array" || node.manifest === undefined) continue;
      arrays += 1;
      await run.array(path, node, await node.manifest(options));
    }
    return { target: source.address, arrays, ...run.result() };
  } finally {
    run.close();
    await source.close();
  }
}

class Verification {
  readonly #source: OpenedSource;
  readonly #options: VerifyOptions;
  readonly #files: OriginalFiles;
  readonly #different: Difference[] = [];
  readonly #notCompared = new Map<string, { path: string; reason: string; chunks: number }>();
  readonly #placements = new Placements();
  #equal = 0;

  constructor(source: OpenedSource, options: VerifyOptions) {
    this.#source = source;
    this.#options = options;
    this.#files = new OriginalFiles(source.storage, options);
  }

  async array(path: string, array: VirtualArray, manifest: ChunkManifest): Promise<void> {
    for (const entry of sampled(manifest, this.#source, this.#options.sample)) {
      this.#options.signal?.throwIfAborted();
      try {
        await this.#chunk(path, array, manifest, entry);
      } catch (error) {
        if (!(error instanceof NotComparable)) throw error;
        this.#skip(path, error.message);
      }
      this.#options.onProgress?.({ chunks: this.#equal + this.#different.length });
    }
  }

  result(): Pick<VerifySummary, "equal" | "different" | "notCompared"> {
    return { equal: this.#equal, different: this.#different, notCompared: [...this.#notCompared.values()] };
  }

  close(): void {
    this.#files.close();
  }

  async #chunk(path: string, array: VirtualArray, manifest: ChunkManifest, entry: number): Promise<void> {
    const { signal } = this.#options;
    const location = manifest.locations[manifest.locationIndexes?.[entry] ?? 0] ?? "";
    const coordinates = entryCoordinates(manifest, entry);
    const file = await this.#files.at(location);
    const there = chunkExtent(array.metadata, coordinates);
    const [offset = 0, length = 0] = [manifest.offsets[entry], manifest.lengths[entry]];
    const here = file.chunks.at(location, offset, length, there.shape, path.slice(path.lastIndexOf("/")));
    if (here === undefined) {
      const reason = "no chunk of the original file is at this place, nor a part of an uncompressed one";
      this.#different.push({ path, coordinates, source: location, sourcePath: path, reason });
      return;
    }
    // New dimensions along which files are stacked stand before all others.
    const added = there.shape.length - here.start.length;
    if (added < 0 || there.shape.slice(0, added).some((along) => along !== 1)) {
      throw new NotComparable(`it has other dimensions than ${here.path} of the original file`);
    }
    const box = there.inside.map((along, axis) => Math.min(along, here.inside[axis - added] ?? 1));
    const shape = box.slice(added);
    const differ = (reason: string): void => {
      this.#different.push({ path, coordinates, source: location, sourcePath: here.path, reason });
    };
    const misplaced = this.#placements.check(
      path,
      location,
      there.start.slice(added),
      here.start,
      file.chunks,
      here,
    );
    if (misplaced !== undefined) {
      differ(misplaced);
      return;
    }
    const expected = readBy(file.reader, here.storedPath, here.start, shape);
    let data: ChunkData;
    try {
      data = await arrayOf(this.#source, path, array).readRegion(there.start, box, { signal });
    } catch (error) {
      const fault: MoraineError = faultOf(error, this.#source, path);
      differ(`${fault.code}: ${fault.message}`);
      return;
    }
    if (expected instanceof Uint8Array) {
      if (!(data instanceof Uint8Array)) throw new NotComparable(`${file.reader.name} gives numbers here`);
      if (sameBytes(data, expected)) this.#equal += 1;
      else differ(`${file.reader.name} reads other values`);
      return;
    }
    const texts = Array.from(decodeElements(data, array.metadata.dataType), String);
    if (texts.length === expected.length && texts.every((text, at) => sameText(text, expected[at] ?? ""))) {
      this.#equal += 1;
    } else {
      differ(`${file.reader.name} reads other texts`);
    }
  }

  #skip(path: string, reason: string): void {
    const key = `${path}\n${reason}`;
    const known = this.#notCompared.get(key);
    if (known) known.chunks += 1;
    else this.#notCompared.set(key, { path, reason, chunks: 1 });
  }
}

/** What another reader reads. Errors: `NotComparable` for all that it cannot, whatever it throws then. */
function readBy(reader: IndependentReader, ...what: Parameters<IndependentReader["read"]>) {
  try {
    return reader.read(...what);
  } catch (error) {
    if (error instanceof NotComparable) throw error;
    throw new NotComparable(`${reader.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Entries whose bytes lie outside of the target, all or so many of them, spread evenly. */
function* sampled(
  manifest: ChunkManifest,
  source: OpenedSource,
  sample: number | undefined,
): Generator<number, void, undefined> {
  const native = manifest.locations.map((location) => source.isNative(location));
  const isVirtual = (entry: number): boolean =>
    !manifest.inline.has(entry) && native[manifest.locationIndexes?.[entry] ?? 0] === false;
  const step = sample === undefined ? 1 : Math.max(1, manifest.count / Math.max(sample, 1));
  for (let at = 0; at < manifest.count; at += step) {
    const entry = Math.floor(at);
    if (isVirtual(entry)) yield entry;
  }
}

/** h5wasm cuts fixed strings at the first NUL. */
function sameText(ours: string, theirs: string): boolean {
  return ours === theirs || ours.replace(/\0.*$/s, "") === theirs;
}
