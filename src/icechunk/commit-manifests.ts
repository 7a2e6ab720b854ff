/**
 * Which manifests a commit writes: for each array the cells that it touches, small ones of several arrays packed
 * together; everything else stays in the manifests where it is.
 *
 * @module
 */

import type { JsonValue } from "../binary/json.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { boxAround, boxContains, boxOfGrid, Cells, intersection, isEmptyBox } from "./boxes.ts";
import type { ChunkChanges } from "./chunk-changes.ts";
import { type ChunkReferences, MISSING } from "./format/chunk-references.ts";
import { type NodeId, type ObjectId, randomObjectId } from "./format/identifier.ts";
import { writeManifest } from "./format/manifest-writer.ts";
import type { ArrayNode, ManifestFileInfo, ManifestPart, Snapshot } from "./format/snapshot.ts";
import { cellShape } from "./manifest-split.ts";
import { mergeReferences, type ReferenceRun, withoutMissing } from "./merge-references.ts";
import { FOLDERS, type RepositoryFiles } from "./repository-files.ts";

/** Cells with fewer references share a manifest, which is written when it has as many as the second number. */
const SMALL_CELL = 4096;
const PACKED_REFERENCES = 16_384;
/** Manifests that are written at a time. */
const WRITERS = 4;

/** References of an array that go together into a manifest. */
interface Piece extends ReferenceRun {
  readonly nodeId: NodeId;
  readonly count: number;
}

/** Reads the references that an array has in a manifest, those in a box. */
export async function readPart(
  files: RepositoryFiles,
  snapshot: Snapshot,
  node: Pick<ArrayNode, "id" | "gridShape">,
  part: ManifestPart,
  box: Uint32Array,
  options: StorageOptions = {},
): Promise<ChunkReferences> {
  const file = snapshot.manifestFiles.get(part.manifestId);
  // A manifest that the snapshot does not list has no known size, and is an error of the file.
  const manifest = await files.manifest(
    file ?? { id: part.manifestId, sizeBytes: 0, referenceCount: 0 },
    options,
  );
  return manifest.references(node.id, node.gridShape, intersection(part.extents, box));
}

/** The manifests of an array after its changes. */
export interface PlannedArray {
  /** Manifests that stay as they are. */
  readonly kept: readonly ManifestPart[];
  readonly pieces: readonly Piece[];
}

/**
 * Works out which references must be written anew.
 *
 * @param base the snapshot that the changes build upon
 * @param node the array as it becomes, with the manifests that it had
 * @param splitSizes rules of the configuration
 * @param all whether everything is written anew
 */
export async function planArray(
  files: RepositoryFiles,
  base: Snapshot,
  node: ArrayNode,
  changes: ChunkChanges,
  { splitSizes, all }: { readonly splitSizes: JsonValue | undefined; readonly all: boolean },
  options: StorageOptions = {},
): Promise<PlannedArray> {
  const cells = new Cells(node.gridShape, cellShape(node, splitSizes));
  const runs = new Map<number, ReferenceRun[]>();
  const touched: number[] = [];
  const touch = (cell: number): ReferenceRun[] => {
    const found = runs.get(cell);
    if (found) return found;
    const list: ReferenceRun[] = [];
    runs.set(cell, list);
    touched.push(cell);
    return list;
  };
  const clip = intersection(boxOfGrid(changes.clip), boxOfGrid(node.gridShape));
  const kept = new Set(node.manifests);
  const scatter = async (part: ManifestPart): Promise<void> => {
    kept.delete(part);
    const references = await readPart(files, base, node, part, clip, options);
    for (const [cell, entries] of cells.group(references)) touch(cell).push({ references, entries });
  };
  const changed = changes.references();
  const changedCells = cells.group(changed);
  for (const cell of changedCells.keys()) touch(cell);
  for (const part of node.manifests) {
    if (isEmptyBox(intersection(part.extents, clip))) kept.delete(part);
    else if (all || !boxContains(clip, part.extents)) await scatter(part);
  }
  // A manifest that reaches beyond a touched cell is cut, which touches further cells.
  for (const cell of touched) {
    const box = cells.box(cell);
    await Promise.all([...kept].filter((part) => !isEmptyBox(intersection(part.extents, box))).map(scatter));
  }
  const pieces: Piece[] = [];
  for (const cell of touched) {
    const old = runs.get(cell) ?? [];
    const isChanged = changedCells.has(cell);
    const entries = changedCells.get(cell);
    const run: ReferenceRun[] = isChanged ? [...old, { references: changed, entries }] : old;
    const piece = old.length === 0 && !changed.kinds.includes(MISSING) ? run[0] : joined(run);
    const count = piece?.entries?.length ?? piece?.references.count ?? 0;
    if (piece && count > 0) pieces.push({ ...piece, nodeId: node.id, count });
  }
  return { kept: [...kept], pieces };
}

function joined(runs: readonly ReferenceRun[]): ReferenceRun {
  return { references: withoutMissing(mergeReferences(runs)) };
}

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
      parts.push({ manifestId: id, extents: boxAround(piece) });
      this.#written.set(piece.nodeId, parts);
    }
    const bytes = await writeManifest(id, pieces, this.#compressionLevel);
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
