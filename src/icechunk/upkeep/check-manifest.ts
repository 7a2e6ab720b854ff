/**
 * Checks manifests: their sizes, orders and counts, and that what their references point to can be there.
 *
 * @module
 */

import { isMoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { boxHasChunk, boxOfGrid } from "../changes/boxes.ts";
import type { VirtualChunkAccess } from "../changes/virtual-chunks.ts";
import { allCoordinates, type ChunkReferences, INLINE, MISSING, NATIVE } from "../format/chunk-references.ts";
import { encodeIdentifier, OBJECT_ID_BYTES, type ObjectId } from "../format/identifier.ts";
import type { Manifest } from "../format/manifest.ts";
import { compareIdentifiers } from "../format/order.ts";
import type { ArrayNode, ManifestFileInfo, ManifestPart, Snapshot } from "../format/snapshot.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import { requireOrder } from "./check-history.ts";
import type { Findings } from "./fsck.ts";

export class ManifestCheck {
  /** Manifests that a snapshot lists. */
  readonly seen: Set<ObjectId> = new Set();
  references = 0;
  readonly #files: RepositoryFiles;
  readonly #chunkSizes: ReadonlyMap<string, number | undefined>;
  readonly #access: VirtualChunkAccess;
  readonly #findings: Findings;
  readonly #partsSeen = new Set<string>();
  readonly #objectsSeen = new Set<ObjectId>();
  readonly #missing = new Set<string>();

  /** @param chunkSizes bytes of the chunk objects, by name */
  constructor(
    files: RepositoryFiles,
    chunkSizes: ReadonlyMap<string, number | undefined>,
    access: VirtualChunkAccess,
    findings: Findings,
  ) {
    this.#files = files;
    this.#chunkSizes = chunkSizes;
    this.#access = access;
    this.#findings = findings;
  }

  /** Different chunk objects that references point to. */
  get nativeChunks(): number {
    return this.#objectsSeen.size;
  }

  /** Checks the manifests of a snapshot that were not checked with another one. */
  async check(snapshot: Snapshot, options: StorageOptions): Promise<void> {
    for (const file of snapshot.manifestFiles.values()) {
      if (this.seen.has(file.id)) continue;
      this.seen.add(file.id);
      const source = this.#address(file.id);
      await this.#findings.attempt(source, async () => {
        const { size } = await this.#files.storage.head(source, options);
        if (size !== file.sizeBytes) {
          this.#fail(source, `${size} bytes, where the snapshot says ${file.sizeBytes}`);
        } else {
          this.#checkCounts(file, await this.#files.manifest(file, options), source);
        }
      });
    }
    for (const node of snapshot.nodes.values()) {
      for (const part of node.kind === "array" ? node.manifests : []) {
        if (node.kind === "array") await this.#checkPart(snapshot, node, part, options);
      }
    }
  }

  #checkCounts(file: ManifestFileInfo, manifest: Manifest, source: string): void {
    const nodeIds = manifest.nodeIds();
    requireOrder("arrays", nodeIds, compareIdentifiers, (message) => this.#fail(source, message));
    const count = nodeIds.reduce((total, id) => total + (manifest.array(id)?.count ?? 0), 0);
    this.references += count;
    if (count !== file.referenceCount) {
      this.#fail(source, `${count} references, where the snapshot says ${file.referenceCount}`);
    }
  }

  async #checkPart(
    snapshot: Snapshot,
    node: ArrayNode,
    part: ManifestPart,
    options: StorageOptions,
  ): Promise<void> {
    const key = `${part.manifestId}/${node.id}/${node.gridShape.join()}/${part.extents.join()}`;
    if (this.#partsSeen.has(key)) return;
    this.#partsSeen.add(key);
    const source = this.#address(part.manifestId);
    try {
      const manifest = await this.#files.manifestOf(snapshot, part, options);
      const references = manifest.references(node.id, node.gridShape, boxOfGrid(node.gridShape));
      const total = manifest.array(node.id)?.count ?? 0;
      if (total === 0) this.#fail(source, "the array has no references in it", node.path);
      if (references.count < total) {
        this.#findings.notice("Hidden", "references outside of the array's grid", source, node.path);
      }
      this.#checkExtents(references, part, source, node.path);
      this.#checkObjects(references, source, node.path);
    } catch (error) {
      if (!isMoraineError(error)) throw error;
      // A file that cannot be read was told of above.
      if (error.code === "NotFound" || error.code === "TruncatedFile") return;
      this.#findings.error(error.code, error.message, source, node.path);
    }
  }

  #checkExtents(references: ChunkReferences, part: ManifestPart, source: string, path: string): void {
    const rank = references.gridShape.length;
    const coordinates = allCoordinates(references);
    for (let entry = 0; entry < references.count; entry++) {
      if (boxHasChunk(part.extents, coordinates, entry * rank)) continue;
      const at = [...coordinates.subarray(entry * rank, (entry + 1) * rank)].join(", ");
      this.#fail(source, `chunk [${at}] is outside of the box that the snapshot says`, path);
      return;
    }
  }

  #checkObjects(references: ChunkReferences, source: string, path: string): void {
    const { kinds, objects, offsets, lengths, chunkIds, virtualObjects } = references;
    const uncovered = new Set<string>();
    for (let entry = 0; entry < references.count; entry++) {
      const [kind, object, length] = [kinds[entry] ?? MISSING, objects[entry] ?? 0, lengths[entry] ?? 0];
      if (length === 0) this.#fail(source, "a chunk without bytes", path);
      if (kind === INLINE) continue;
      const end = (offsets[entry] ?? 0) + length;
      if (kind === NATIVE) {
        const at = object * OBJECT_ID_BYTES;
        this.#checkNative(encodeIdentifier(chunkIds.subarray(at, at + OBJECT_ID_BYTES)), end, path);
      } else {
        const location = virtualObjects[object]?.location ?? "";
        if (!this.#covers(location)) uncovered.add(location);
      }
    }
    const [first] = uncovered;
    if (first === undefined) return;
    this.#findings.notice(
      "NoContainer",
      `no virtual chunk container covers ${first}${uncovered.size > 1 ? ` and ${uncovered.size - 1} more` : ""}`,
      source,
      path,
    );
  }

  #checkNative(id: ObjectId, end: number, path: string): void {
    this.#objectsSeen.add(id);
    const known = this.#chunkSizes.has(id);
    const size = this.#chunkSizes.get(id);
    if (known && (size === undefined || end <= size)) return;
    const key = `${id}/${path}`;
    if (this.#missing.has(key)) return;
    this.#missing.add(key);
    const address = this.#files.addressOfChunk(id);
    if (!known) this.#findings.error("NotFound", "a chunk object is not there", address, path);
    else this.#findings.error("TruncatedFile", `a chunk reaches to byte ${end} of ${size}`, address, path);
  }

  #covers(location: string): boolean {
    try {
      return this.#access.covers(location);
    } catch (error) {
      if (!isMoraineError(error)) throw error;
      return false;
    }
  }

  #address(id: ObjectId): string {
    return this.#files.addressOf(`${FOLDERS.manifest}/${id}`);
  }

  #fail(source: string, message: string, path?: string): void {
    this.#findings.error("CorruptFile", message, source, path);
  }
}
