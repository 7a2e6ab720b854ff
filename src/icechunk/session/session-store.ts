/**
 * A session as a Zarr store: keys and values, as zarrita and other readers of stores want it.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ByteRange, StorageOptions } from "../../storage/storage.ts";
import { PLACE_INLINE, PLACE_MISSING } from "../../zarr/chunk-source.ts";
import { ArrayChunks, type ChunkContext } from "../changes/array-chunks.ts";
import { childPath, normalizePath } from "../changes/node-path.ts";
import { coordinatesOf, gridStrides } from "../format/chunk-references.ts";
import type { ArrayNode } from "../format/snapshot.ts";

const METADATA_NAME = "zarr.json";
/** Documents of Zarr v2, which Icechunk has not. */
const V2_NAMES: ReadonlySet<string> = new Set([".zgroup", ".zarray", ".zattrs", ".zmetadata"]);

/** What a key is of. */
type KeyTarget =
  | { readonly kind: "document"; readonly path: string }
  | { readonly kind: "chunk"; readonly path: string; readonly coordinates: readonly number[] };

/** What a store needs of a session to write. */
export interface StoreWriter {
  setDocument(path: string, zarrJson: Uint8Array): void;
  setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options?: StorageOptions,
  ): Promise<void>;
  deleteChunks(path: string, chunks: readonly (readonly number[])[]): Promise<void>;
  delete(path: string): void;
}

/**
 * Keys: `zarr.json` and `PATH/zarr.json` for groups and arrays, `PATH/c/0/1` for chunks. A slash in front is passed
 * over.
 *
 * @example
 * const array = await zarrita.open(zarrita.root(session.store).resolve("sst"), { kind: "array" });
 */
export class SessionStore {
  readonly #context: ChunkContext;
  readonly #writer: StoreWriter;

  constructor(context: ChunkContext, writer: StoreWriter) {
    this.#context = context;
    this.#writer = writer;
  }

  /** The value of a key, or undefined. Errors: those of the storage; `Unauthorized`, `SourceChanged` for virtual chunks. */
  async get(key: string, options?: StorageOptions): Promise<Uint8Array | undefined> {
    return this.#read(key, { offset: 0 }, options);
  }

  /** A part of a value; a `suffixLength` counts from the end. */
  async getRange(
    key: string,
    range: { readonly offset: number; readonly length: number } | { readonly suffixLength: number },
    options?: StorageOptions,
  ): Promise<Uint8Array | undefined> {
    return this.#read(key, "suffixLength" in range ? { offset: -range.suffixLength } : range, options);
  }

  async exists(key: string, options?: StorageOptions): Promise<boolean> {
    const target = this.#target(key);
    if (!target) return false;
    if (target.kind === "document") return this.#context.tree.nodes.has(target.path);
    const places = await this.#locate(target.path, target.coordinates, options);
    return places.kinds[0] !== PLACE_MISSING;
  }

  /** Errors: `InvalidArgument` for a key that no value can have; as the session's own methods. */
  async set(key: string, value: Uint8Array, options?: StorageOptions): Promise<void> {
    const target = this.#target(key);
    if (!target) throw new MoraineError("InvalidArgument", `"${key}" is no key of an Icechunk store`);
    if (target.kind === "document") this.#writer.setDocument(target.path, value);
    else await this.#writer.setChunk(target.path, target.coordinates, value.slice(), options);
  }

  /** Deletes a value; that of a `zarr.json` with its node and all below it. */
  async delete(key: string): Promise<void> {
    const target = this.#target(key);
    if (target?.kind === "document") this.#writer.delete(target.path);
    else if (target) await this.#writer.deleteChunks(target.path, [target.coordinates]);
  }

  /** All keys at or below a path, changes of the session among them. */
  async *list(prefix = "", options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    const path = normalizePath(prefix);
    for (const [nodePath, node] of this.#context.tree.nodes) {
      if (path !== "/" && nodePath !== path && !nodePath.startsWith(`${path}/`)) continue;
      yield keyOf(nodePath, METADATA_NAME);
      if (node.kind === "array") yield* this.#chunkKeys(node, options);
    }
  }

  async *#chunkKeys(node: ArrayNode, options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    const references = await new ArrayChunks(this.#context, node).references(options);
    const strides = gridStrides(node.gridShape);
    const coordinates = new Uint32Array(node.gridShape.length);
    for (let entry = 0; entry < references.count; entry++) {
      coordinatesOf(references.positions?.[entry] ?? entry, strides, coordinates, 0);
      yield keyOf(node.path, ["c", ...coordinates].join("/"));
    }
  }

  /** The names directly below a path: members, `zarr.json`, and `c` of an array. */
  listDir(prefix = ""): string[] {
    const path = normalizePath(prefix);
    const node = this.#context.tree.nodes.get(path);
    return [
      ...(node ? [METADATA_NAME] : []),
      ...(node?.kind === "array" ? ["c"] : this.#context.tree.members(path)),
    ];
  }

  #target(key: string): KeyTarget | undefined {
    const names = key.replace(/^\//, "").split("/");
    const last = names.at(-1) ?? "";
    if (last === METADATA_NAME) return { kind: "document", path: `/${names.slice(0, -1).join("/")}` };
    if (V2_NAMES.has(last)) return undefined;
    for (let at = names.length - 1; at >= 0; at--) {
      const name = names[at] ?? "";
      if (name === "c") {
        const path = `/${names.slice(0, at).join("/")}`;
        const coordinates = names.slice(at + 1).map(Number);
        const node = this.#context.tree.nodes.get(path);
        const isChunk = node?.kind === "array" && node.gridShape.length === coordinates.length;
        return isChunk ? { kind: "chunk", path, coordinates } : undefined;
      }
      if (!/^(0|[1-9]\d{0,9})$/.test(name)) return undefined;
    }
    return undefined;
  }

  async #read(key: string, range: ByteRange, options?: StorageOptions): Promise<Uint8Array | undefined> {
    const target = this.#target(key);
    if (!target) return undefined;
    if (target.kind === "document") {
      const bytes = this.#context.tree.nodes.get(target.path)?.userData;
      return bytes && sliceOf(bytes, range);
    }
    const places = await this.#locate(target.path, target.coordinates, options);
    const kind = places.kinds[0];
    if (kind === PLACE_MISSING) return undefined;
    const inline = places.inline.get(0);
    if (kind === PLACE_INLINE && inline) return sliceOf(inline, range);
    const index = places.locationIndexes[0] ?? 0;
    const [start, total] = [places.offsets[0] ?? 0, places.lengths[0] ?? 0];
    const from = range.offset < 0 ? Math.max(total + range.offset, 0) : range.offset;
    const { parts } = await this.#context.files.storage.read(
      places.locations[index] ?? "",
      [{ offset: start + from, length: Math.max(Math.min(range.length ?? total, total - from), 0) }],
      { ...options, version: places.versions?.[index] },
    );
    return parts[0];
  }

  async #locate(path: string, coordinates: readonly number[], options?: StorageOptions) {
    const chunks = new ArrayChunks(this.#context, this.#context.tree.array(path));
    return chunks.locate(Float64Array.from(coordinates), 1, options);
  }
}

function keyOf(path: string, name: string): string {
  return childPath(path, name).slice(1);
}

function sliceOf(bytes: Uint8Array, { offset, length }: ByteRange): Uint8Array {
  const from = offset < 0 ? Math.max(bytes.length + offset, 0) : offset;
  return bytes.slice(from, length === undefined ? undefined : from + length);
}
