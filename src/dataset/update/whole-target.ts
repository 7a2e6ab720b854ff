/**
 * A group of a repository whose sources are indexed anew. What others wrote since it was indexed stays; of the rest
 * only what differs is changed.
 *
 * @module
 */

import { sameBytes } from "../../binary/byte-sequences.ts";
import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { Session } from "../../icechunk/session/session.ts";
import { type ChunkManifest, entryCoordinates, findEntry } from "../../manifest/chunk-manifest.ts";
import { ManifestBuilder } from "../../manifest/manifest-builder.ts";
import { type ReferencesOfArray, wholeManifest } from "../../manifest/manifest-parts.ts";
import { filterEntries } from "../../manifest/select-chunks.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridPosition, gridShapeOf } from "../../zarr/chunk-grid.ts";
import type { CarriedChunks } from "../index/index-record.ts";
import type { Note } from "../index/summary.ts";
import type { CommitOptions, Committed, IndexTarget } from "../index/target.ts";
import { type ArrayFate, decideFate } from "./array-fate.ts";
import type { Move } from "./moved-chunks.ts";
import type { Written } from "./written-by-others.ts";

export class WholeTarget implements IndexTarget {
  readonly notes: Note[] = [];
  /** Chunks that were set or deleted. */
  chunks = 0;
  readonly #session: Session;
  readonly #branch: string;
  readonly #written: Written;
  readonly #stale: ReadonlySet<string>;
  readonly #move: Move;
  readonly #arrays = new Map<string, ArrayFate>();
  readonly #groups = new Set<string>();

  /**
   * @param stale locations whose references no longer hold
   * @param move where sources stand now
   */
  constructor(session: Session, branch: string, written: Written, stale: ReadonlySet<string>, move: Move) {
    this.#session = session;
    this.#branch = branch;
    this.#written = written;
    this.#stale = stale;
    this.#move = move;
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    this.#groups.add(path);
    const { made, updated } = this.#written;
    const node = this.#session.node(path);
    if (made.has(path) || updated.has(path)) return;
    const before = node?.kind === "group" ? stringifyJson(node.attributes) : undefined;
    if (node === undefined) this.#session.createGroup(path, attributes);
    else if (before !== stringifyJson(attributes)) this.#session.updateGroup(path, attributes);
  }

  async createArray(path: string, metadata: ArrayMetadata): Promise<void> {
    const tell = (note: string): void => this.#note(path, note);
    this.#arrays.set(path, await decideFate(this.#session, path, metadata, this.#written, this.#move, tell));
  }

  async updateArray(path: string, metadata: ArrayMetadata): Promise<void> {
    await this.createArray(path, metadata);
  }

  async removeArray(path: string): Promise<void> {
    if (this.#arrays.get(path)?.kind !== "new") {
      throw new MoraineError("Incompatible", "the array can no longer be read from its source", { path });
    }
    this.#session.delete(path);
  }

  async setReferences(
    path: string,
    references: ReferencesOfArray,
    options: StorageOptions = {},
  ): Promise<number> {
    const array = this.#arrays.get(path);
    if (array === undefined || array.kind === "left") return 0;
    const manifest = await wholeManifest(references, options);
    if (array.kind === "stays") array.planned = manifest;
    const changed = this.#changedEntries(array, manifest);
    this.chunks += changed.count;
    if (changed.count > 0) await this.#session.setReferences(path, changed, options);
    return 0;
  }

  /** What of a manifest is not in the repository already, and not to be kept there. */
  #changedEntries(array: ArrayFate, manifest: ChunkManifest): ChunkManifest {
    if (array.kind === "new" || array.kind === "left") return manifest;
    if (array.kind === "moved") {
      return filterEntries(manifest, (_, position) => !array.carried.has(position));
    }
    const { before, kept } = array;
    return filterEntries(
      manifest,
      (entry, position) =>
        !kept.has(position) && !this.#isSame(before, findEntry(before, position), manifest, entry),
    );
  }

  #isSame(a: ChunkManifest, entry: number, b: ChunkManifest, other: number): boolean {
    if (entry < 0) return false;
    const [bytes, otherBytes] = [a.inline.get(entry), b.inline.get(other)];
    if (bytes || otherBytes)
      return bytes !== undefined && otherBytes !== undefined && sameBytes(bytes, otherBytes);
    const [at, otherAt] = [a.locationIndexes?.[entry] ?? 0, b.locationIndexes?.[other] ?? 0];
    const location = a.locations[at] ?? "";
    return (
      location === b.locations[otherAt] &&
      !this.#stale.has(location) &&
      a.offsets[entry] === b.offsets[other] &&
      a.lengths[entry] === b.lengths[other] &&
      sameVersion(a.versions[at] ?? {}, b.versions[otherAt] ?? {})
    );
  }

  async setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options: StorageOptions = {},
  ): Promise<void> {
    const array = this.#arrays.get(path);
    if (array === undefined || array.kind === "left") return;
    if (array.kind === "moved" && array.carried.has(gridPosition(coordinates, this.#gridOf(path)))) return;
    if (array.kind === "stays") {
      const position = gridPosition(coordinates, array.before.gridShape);
      if (array.kept.has(position)) return;
      array.set.add(position);
      const entry = findEntry(array.before, position);
      const before = entry < 0 ? undefined : array.before.inline.get(entry);
      if (before && sameBytes(before, bytes)) return;
    }
    this.chunks += 1;
    await this.#session.setChunk(path, coordinates, bytes, options);
  }

  #gridOf(path: string): readonly number[] {
    return gridShapeOf(this.#session.array(path).metadata);
  }

  /** Chunks of others that went along with arrays that were laid out anew. */
  get carried(): Map<string, CarriedChunks> {
    return new Map(
      [...this.#arrays].flatMap(([path, array]): [string, CarriedChunks][] =>
        array.kind === "moved"
          ? [[path, { gridShape: this.#gridOf(path), runs: runsOf([...array.carried.keys()]) }]]
          : [],
      ),
    );
  }

  async #carry(
    path: string,
    before: ChunkManifest,
    carried: ReadonlyMap<number, number>,
    options: StorageOptions,
  ): Promise<void> {
    const { locations, versions } = before;
    const builder = new ManifestBuilder(this.#gridOf(path), locations[0] ?? "", versions[0]);
    locations.slice(1).forEach((location, at) => void builder.addLocation(location, versions[at + 1]));
    for (const [position, old] of carried) {
      const entry = findEntry(before, old);
      const bytes = before.inline.get(entry);
      if (bytes) builder.appendInline(position, bytes);
      // What others deleted stays deleted.
      else if (entry >= 0) {
        const location = before.locationIndexes?.[entry] ?? 0;
        builder.append(position, before.offsets[entry] ?? 0, before.lengths[entry] ?? 0, 0, location);
      }
    }
    if (builder.count > 0) await this.#session.setReferences(path, builder.build(), options);
  }

  /**
   * Puts what others wrote into arrays that were laid out anew, and takes away what the sources no longer have: chunks,
   * arrays, groups.
   *
   * Errors: `Incompatible` for an array that others have written to.
   *
   * @param paths all paths of the group that came from its sources
   */
  async finish(paths: readonly string[], options: StorageOptions = {}): Promise<void> {
    for (const [path, array] of this.#arrays) {
      if (array.kind === "moved") await this.#carry(path, array.before, array.carried, options);
      if (array.kind !== "stays") continue;
      const { before, kept, set, planned } = array;
      const gone: number[][] = [];
      for (let entry = 0; entry < before.count; entry++) {
        const position = before.positions?.[entry] ?? entry;
        const isThere = set.has(position) || (planned !== undefined && findEntry(planned, position) >= 0);
        if (!isThere && !kept.has(position)) gone.push(entryCoordinates(before, entry));
      }
      this.chunks += gone.length;
      if (gone.length > 0) await this.#session.deleteChunks(path, gone);
    }
    const { made, updated, chunks } = this.#written;
    for (const path of paths) {
      if (this.#arrays.has(path) || this.#groups.has(path) || made.has(path)) continue;
      // It may have gone with its group.
      if (this.#session.node(path) === undefined) continue;
      if ([...made, ...updated, ...chunks.keys()].some((own) => own === path || own.startsWith(`${path}/`))) {
        throw new MoraineError("Incompatible", "its source no longer has it, but others have written to it", {
          source: this.#session.address,
          path,
        });
      }
      this.#note(path, "its source no longer has it: it was removed");
      this.#session.delete(path);
    }
  }

  async commit(message: string, options: CommitOptions = {}): Promise<Committed> {
    const snapshot = await this.#session.commit(message, { ...options, allowEmpty: true, rebase: true });
    return { snapshot, branch: this.#branch };
  }

  async abandon(): Promise<void> {}

  #note(path: string, note: string): void {
    this.notes.push({ source: this.#session.address, path, note });
  }
}

/** Runs of positions. */
function runsOf(positions: readonly number[]): [first: number, count: number][] {
  const runs: [first: number, count: number][] = [];
  for (const position of positions.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && last[0] + last[1] === position) last[1] += 1;
    else runs.push([position, 1]);
  }
  return runs;
}
