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
import { filterEntries } from "../../manifest/select-chunks.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridPosition } from "../../zarr/chunk-grid.ts";
import { arrayMetadataToShow } from "../../zarr/metadata-v3.ts";
import type { Note } from "../index/summary.ts";
import type { CommitOptions, Committed, IndexTarget } from "../index/target.ts";
import { sharesOf } from "../reference-sources.ts";
import { hasSameForm } from "../storage-form.ts";
import type { Written } from "./written-by-others.ts";

/** An array that stays, with other references. */
interface Refreshed {
  readonly before: ChunkManifest;
  /** Positions in the grid of chunks that others wrote. */
  readonly kept: ReadonlySet<number>;
  readonly set: Set<number>;
  planned: ChunkManifest | undefined;
}

export class RefreshTarget implements IndexTarget {
  readonly notes: Note[] = [];
  /** Chunks that were set or deleted. */
  chunks = 0;
  readonly #session: Session;
  readonly #branch: string;
  readonly #written: Written;
  readonly #stale: ReadonlySet<string>;
  readonly #arrays = new Map<string, Refreshed | "new" | "left">();
  readonly #groups = new Set<string>();

  /** @param stale locations whose references no longer hold */
  constructor(session: Session, branch: string, written: Written, stale: ReadonlySet<string>) {
    this.#session = session;
    this.#branch = branch;
    this.#written = written;
    this.#stale = stale;
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    this.#groups.add(path);
    const { made, updated } = this.#written;
    const node = this.#session.node(path);
    if (made.has(path) || updated.has(path)) return;
    const before = node?.kind === "group" ? stringifyJson(node.attributes) : undefined;
    if (before !== stringifyJson(attributes)) this.#session.updateGroup(path, attributes);
  }

  async createArray(path: string, metadata: ArrayMetadata): Promise<void> {
    this.#arrays.set(path, await this.#prepare(path, metadata));
  }

  async #prepare(path: string, metadata: ArrayMetadata): Promise<Refreshed | "new" | "left"> {
    const session = this.#session;
    if (session.node(path) === undefined) {
      session.createArray(path, metadata);
      return "new";
    }
    const { made, updated, chunks } = this.#written;
    if (made.has(path)) {
      this.#note(path, "was made anew in the repository: it stays");
      return "left";
    }
    const array = session.array(path);
    const before = await session.manifest(path);
    const written = chunks.get(path) ?? [];
    const kept = new Set(written.map((coordinates) => gridPosition(coordinates, before.gridShape)));
    if (hasSameLayout(array.metadata, metadata)) {
      if (kept.size > 0) this.#note(path, `${kept.size} chunks that were written since stay`);
      const isEdited = updated.has(path);
      if (isEdited) this.#note(path, "its metadata were changed in the repository: they stay");
      else if (documentOf(array.metadata) !== documentOf(metadata)) session.updateArray(path, metadata);
      return { before, kept, set: new Set(), planned: undefined };
    }
    const [stale] = sharesOf(before).filter(({ location }) => this.#stale.has(location));
    if (stale === undefined && before.count > 0 && before.inline.size === 0) {
      this.#note(path, "is native, and has another shape or encoding in its source now: it stays");
      return "left";
    }
    if (kept.size > 0 || updated.has(path)) {
      throw new MoraineError(
        "Incompatible",
        "it has another shape or encoding in its source now, and chunks of it were written since it was indexed: " +
          "where they belong is not known. Pin what is left, or index the sources into another group",
        { source: stale?.location ?? session.address, path },
      );
    }
    session.delete(path);
    session.createArray(path, metadata);
    return "new";
  }

  async updateArray(path: string, metadata: ArrayMetadata): Promise<void> {
    await this.createArray(path, metadata);
  }

  async removeArray(path: string): Promise<void> {
    if (this.#arrays.get(path) !== "new") {
      throw new MoraineError("Incompatible", "the array can no longer be read from its source", { path });
    }
    this.#session.delete(path);
  }

  async setReferences(path: string, manifest: ChunkManifest, options: StorageOptions = {}): Promise<number> {
    const array = this.#arrays.get(path);
    if (array === undefined || array === "left") return 0;
    if (array === "new") {
      this.chunks += manifest.count;
      await this.#session.setReferences(path, manifest, options);
      return 0;
    }
    array.planned = manifest;
    const changed = this.#changedEntries(array, manifest);
    this.chunks += changed.count;
    if (changed.count > 0) await this.#session.setReferences(path, changed, options);
    return 0;
  }

  /** What of a manifest is not in the repository already, and not to be kept there. */
  #changedEntries({ before, kept }: Refreshed, manifest: ChunkManifest): ChunkManifest {
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
    if (array === undefined || array === "left") return;
    if (array !== "new") {
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

  /**
   * Takes away what the sources no longer have: chunks, arrays, groups.
   *
   * Errors: `Incompatible` for an array that others have written to.
   *
   * @param paths all paths of the group that came from its sources
   */
  async removeOthers(paths: readonly string[]): Promise<void> {
    for (const [path, array] of this.#arrays) {
      if (typeof array === "string") continue;
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

function documentOf(metadata: ArrayMetadata): string {
  return stringifyJson(arrayMetadataToShow(metadata));
}

/** Whether all that chunks depend on is the same. */
function hasSameLayout(a: ArrayMetadata, b: ArrayMetadata): boolean {
  const rest = (metadata: ArrayMetadata): string =>
    documentOf({ ...metadata, attributes: {}, chunkGrid: a.chunkGrid, codecs: a.codecs });
  return hasSameForm(a, b) && rest(a) === rest(b);
}
