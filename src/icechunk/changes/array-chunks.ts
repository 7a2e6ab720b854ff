/**
 * The chunks of an array of a session as the array reader wants them: places of bytes.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { isNear } from "../../storage/address.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  type ChunkSource,
  PLACE_INLINE,
  PLACE_MISSING,
  PLACE_RANGE,
} from "../../zarr/chunk-source.ts";
import { type ChunkReferences, INLINE, MISSING, NATIVE, VIRTUAL } from "../format/chunk-references.ts";
import { encodeIdentifier, type NodeId, OBJECT_ID_BYTES, type ObjectId } from "../format/identifier.ts";
import type { ArrayNode } from "../format/snapshot.ts";
import type { RepositoryFiles } from "../repository-files.ts";
import { allReferences, findReferences } from "./chunk-lookup.ts";
import type { ChunkPacking } from "./chunk-packing.ts";
import type { VirtualChunkAccess } from "./virtual-chunks.ts";
import type { WorkingTree } from "./working-tree.ts";

/** A manifest of more bytes is not fetched before it is needed: they may be for nothing, where a round trip is not. */
const AHEAD_BYTES = 128 * 1024;

/** What a session reads through. */
export interface ChunkContext {
  readonly files: RepositoryFiles;
  readonly tree: WorkingTree;
  readonly packing: ChunkPacking;
  readonly access: VirtualChunkAccess;
}

/** Finds the chunks of one array, changes of the session among them. */
export class ArrayChunks implements ChunkSource {
  readonly #context: ChunkContext;
  readonly #path: string;
  readonly #id: NodeId;

  constructor(context: ChunkContext, node: ArrayNode) {
    this.#context = context;
    this.#path = node.path;
    this.#id = node.id;
  }

  /** The array as it is now, which may have been resized since. */
  #node(): ArrayNode {
    const node = this.#context.tree.nodes.get(this.#path);
    if (node?.kind === "array" && node.id === this.#id) return node;
    throw new MoraineError("NotFound", "the array was deleted or moved in this session", {
      source: this.#context.files.address,
      path: this.#path,
    });
  }

  expectQuestions(): void {
    const { tree, files } = this.#context;
    const [only, ...others] = this.#node().manifests;
    if (only === undefined || others.length > 0 || isNear(files.address)) return;
    const file = tree.base.manifestFiles.get(only.manifestId);
    if (file && file.sizeBytes <= AHEAD_BYTES) files.manifest(file).catch(() => undefined);
  }

  async locate(coordinates: ChunkCoordinates, count: number, options?: StorageOptions): Promise<ChunkPlaces> {
    const node = this.#node();
    const { tree, files } = this.#context;
    const found = await findReferences(
      files,
      { known: tree.knownManifests, node, changes: tree.changes.chunks.get(node.id) },
      small(coordinates),
      count,
      options,
    );
    return placesOf(this.#context, found.finish(node.gridShape, new Float64Array(0)), count);
  }

  /** All references of the array. */
  async references(options?: StorageOptions): Promise<ChunkReferences> {
    const node = this.#node();
    const { tree, files } = this.#context;
    const changes = tree.changes.chunks.get(node.id);
    return allReferences(files, { known: tree.knownManifests, node, changes }, options);
  }

  /**
   * All references as a manifest; native chunks lie at addresses in the repository. Locations need not be
   * authorized to be told.
   */
  async manifest(options?: StorageOptions): Promise<ChunkManifest> {
    return manifestOfReferences(this.#context, await this.references(options));
  }
}

/** Icechunk counts chunks with 32 bits; what lies beyond is in no grid, as is the largest number. */
function small(coordinates: ChunkCoordinates): Uint32Array {
  if (coordinates instanceof Uint32Array) return coordinates;
  return Uint32Array.from(coordinates, (coordinate) => Math.min(coordinate, 0xffffffff));
}

/** Addresses of the objects that references point to, natives first. */
function locationsOf(
  { files }: ChunkContext,
  references: Pick<ChunkReferences, "chunkIds" | "virtualObjects">,
  resolve: (object: ChunkReferences["virtualObjects"][number]) => ReturnType<VirtualChunkAccess["locate"]>,
): { locations: string[]; versions: (Version | undefined)[]; natives: readonly ObjectId[] } {
  const { chunkIds, virtualObjects } = references;
  const natives: ObjectId[] = [];
  for (let at = 0; at < chunkIds.length; at += OBJECT_ID_BYTES) {
    natives.push(encodeIdentifier(chunkIds.subarray(at, at + OBJECT_ID_BYTES)));
  }
  const virtual = virtualObjects.map(resolve);
  return {
    natives,
    locations: [...natives.map((id) => files.addressOfChunk(id)), ...virtual.map(({ address }) => address)],
    versions: [...natives.map(() => undefined), ...virtual.map(({ version }) => version)],
  };
}

function placesOf(context: ChunkContext, references: ChunkReferences, count: number): ChunkPlaces {
  const { kinds, objects, offsets, lengths, buffers } = references;
  const { locations, versions, natives } = locationsOf(context, references, (object) =>
    context.access.resolve(object),
  );
  const places = new Uint8Array(count);
  const locationIndexes = new Uint32Array(count);
  const inline = new Map<number, Uint8Array>();
  for (let chunk = 0; chunk < count; chunk++) {
    const object = objects[chunk] ?? 0;
    const offset = offsets[chunk] ?? 0;
    const length = lengths[chunk] ?? 0;
    const kind = kinds[chunk] ?? MISSING;
    let bytes: Uint8Array | undefined;
    if (kind === INLINE) bytes = buffers[object]?.subarray(offset, offset + length);
    else if (kind === NATIVE && context.packing.hasPending) {
      bytes = context.packing.pending(natives[object] ?? "", offset, length);
    }
    if (bytes) {
      inline.set(chunk, bytes);
      places[chunk] = PLACE_INLINE;
    } else if (kind === NATIVE || kind === VIRTUAL) {
      places[chunk] = PLACE_RANGE;
      locationIndexes[chunk] = kind === NATIVE ? object : natives.length + object;
    } else {
      places[chunk] = PLACE_MISSING;
    }
  }
  return { kinds: places, locations, locationIndexes, offsets, lengths, inline, versions };
}

function manifestOfReferences(context: ChunkContext, references: ChunkReferences): ChunkManifest {
  const { kinds, objects, offsets, lengths, buffers, count, gridShape, positions } = references;
  const { locations, versions, natives } = locationsOf(context, references, (object) =>
    context.access.locate(object),
  );
  const locationIndexes = new Uint32Array(count);
  const starts = offsets.slice();
  const inline = new Map<number, Uint8Array>();
  for (let entry = 0; entry < count; entry++) {
    const object = objects[entry] ?? 0;
    if (kinds[entry] === INLINE) {
      const offset = offsets[entry] ?? 0;
      inline.set(
        entry,
        buffers[object]?.subarray(offset, offset + (lengths[entry] ?? 0)) ?? new Uint8Array(0),
      );
      starts[entry] = 0;
    } else {
      locationIndexes[entry] = kinds[entry] === NATIVE ? object : natives.length + object;
    }
  }
  return {
    gridShape,
    count,
    positions,
    locations,
    versions,
    locationIndexes: locations.length > 1 ? locationIndexes : undefined,
    offsets: starts,
    lengths,
    inline,
  };
}
