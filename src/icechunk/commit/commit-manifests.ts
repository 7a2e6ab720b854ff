/**
 * Writes the references of a commit into manifests, small pieces of several arrays packed together.
 *
 * @module
 */

import type { StorageOptions } from "../../storage/storage.ts";
import { boxAround } from "../changes/boxes.ts";
import { type NodeId, type ObjectId, randomObjectId } from "../format/identifier.ts";
import { ManifestScratch, writeManifest } from "../format/manifest-writer.ts";
import type { ManifestFileInfo, ManifestPart } from "../format/snapshot.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import type { Piece } from "./manifest-plan.ts";

/** Cells with fewer references share a manifest, which is written when it has as many as the second number. */
const SMALL_CELL = 4096;
const PACKED_REFERENCES = 16_384;
/** Manifests that are written at a time. */
const WRITERS = 4;

/** Writes pieces into manifests, and remembers where each array's went. */
export class ManifestWriter {
  readonly #files: RepositoryFiles;
  readonly #compressionLevel: number;
  readonly #options: StorageOptions;
  readonly #written = new Map<NodeId, ManifestPart[]>();
  readonly #manifestFiles = new Map<ObjectId, ManifestFileInfo>();
  #small: Piece[] = [];
  readonly #smallNodes = new Set<NodeId>();
  #smallCount = 0;
  readonly #scratch = new ManifestScratch();
  readonly #writing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(files: RepositoryFiles, compressionLevel: number, options: StorageOptions) {
    this.#files = files;
    this.#compressionLevel = compressionLevel;
    this.#options = options;
  }

  async add(pieces: readonly Piece[]): Promise<void> {
    for (const piece of pieces) {
      if (piece.count >= SMALL_CELL) {
        await this.#write([piece]);
        continue;
      }
      // An array has one place in a manifest, and so at most one piece.
      const full = this.#smallCount + piece.count > PACKED_REFERENCES;
      if (full || this.#smallNodes.has(piece.nodeId)) await this.#writeSmall();
      this.#small.push(piece);
      this.#smallNodes.add(piece.nodeId);
      this.#smallCount += piece.count;
    }
  }

  /** Waits until everything is written. */
  async finish(): Promise<{
    readonly parts: ReadonlyMap<NodeId, readonly ManifestPart[]>;
    readonly files: ReadonlyMap<ObjectId, ManifestFileInfo>;
  }> {
    await this.#writeSmall();
    await Promise.all(this.#writing);
    if (this.#failure) throw this.#failure.error;
    return { parts: this.#written, files: this.#manifestFiles };
  }

  async #writeSmall(): Promise<void> {
    const pieces = this.#small;
    this.#small = [];
    this.#smallNodes.clear();
    this.#smallCount = 0;
    if (pieces.length > 0) await this.#write(pieces);
  }

  async #write(pieces: readonly Piece[]): Promise<void> {
    const id = randomObjectId();
    for (const piece of pieces) {
      const parts = this.#written.get(piece.nodeId) ?? [];
      parts.push({ manifestId: id, extents: piece.extents ?? boxAround(piece) });
      this.#written.set(piece.nodeId, parts);
    }
    const bytes = await writeManifest(id, pieces, this.#compressionLevel, this.#scratch);
    this.#manifestFiles.set(id, {
      id,
      sizeBytes: bytes.length,
      referenceCount: pieces.reduce((total, piece) => total + piece.count, 0),
    });
    const writing: Promise<void> = this.#files
      .write(`${FOLDERS.manifest}/${id}`, bytes, { ...this.#options, fresh: true })
      .then(() => undefined)
      // Thrown where the writes are waited for.
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
    if (this.#writing.size >= WRITERS) await Promise.race(this.#writing);
    if (this.#failure) throw this.#failure.error;
  }
}
