/**
 * References of a scan on their way into a session: checked, and in the form that a repository keeps.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ChunkReferences, VirtualObject } from "../format/chunk-references.ts";
import { decodeIdentifier, isObjectId, OBJECT_ID_BYTES } from "../format/identifier.ts";
import { ReferenceBuilder } from "../format/reference-builder.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import type { ChunkOwner, ChunkPacking } from "./chunk-packing.ts";
import { type VirtualChunkAccess, virtualObjectOf } from "./virtual-chunks.ts";

/** Where a location's references go: an object elsewhere, or one of the repository's own. */
type Target =
  | { readonly kind: "virtual"; readonly index: number }
  | { readonly kind: "native"; readonly id: Uint8Array };

export interface IncomingContext {
  readonly files: RepositoryFiles;
  readonly access: VirtualChunkAccess;
  readonly packing: ChunkPacking;
  readonly inlineThreshold: number;
}

/** Entries that become references at a time: what is made of them may be written before more are. */
const ENTRIES_AT_ONCE = 1024 * 1024;

/**
 * Turns a manifest into references, very many in several parts. Bytes that it holds become inline or native chunks by
 * their size; locations in the repository's own folder stay native.
 *
 * Errors, before the first part: `InvalidArgument` for a manifest that contradicts itself; `UnsupportedFilter` where a
 * filter mask is set; with each part: `InvalidArgument` for a location that no container covers; `Incompatible` as
 * `locationOfAddress`.
 */
export async function* referencesOfManifest(
  context: IncomingContext,
  manifest: ChunkManifest,
  path: string,
  options: StorageOptions = {},
): AsyncGenerator<ChunkReferences, void, undefined> {
  requireConsistent(manifest, path);
  for (let from = 0; from < manifest.count; from += ENTRIES_AT_ONCE) {
    yield await referencesOfEntries(
      context,
      entriesOf(manifest, from, from + ENTRIES_AT_ONCE),
      path,
      options,
    );
  }
}

/** Some of the entries of a manifest, as views of its columns. */
function entriesOf(manifest: ChunkManifest, from: number, end: number): ChunkManifest {
  if (from === 0 && end >= manifest.count) return manifest;
  const to = Math.min(end, manifest.count);
  const inline = new Map<number, Uint8Array>();
  if (manifest.inline.size > 0) {
    for (let entry = from; entry < to; entry++) {
      const bytes = manifest.inline.get(entry);
      if (bytes) inline.set(entry - from, bytes);
    }
  }
  return {
    ...manifest,
    count: to - from,
    positions:
      manifest.positions?.subarray(from, to) ?? Float64Array.from({ length: to - from }, (_, i) => from + i),
    locationIndexes: manifest.locationIndexes?.subarray(from, to),
    offsets: manifest.offsets.subarray(from, to),
    lengths: manifest.lengths.subarray(from, to),
    filterMasks: undefined,
    inline,
  };
}

/** Errors: `InvalidArgument`, `UnsupportedFilter`. */
function requireConsistent(manifest: ChunkManifest, path: string): void {
  const { count, positions, offsets, lengths, locationIndexes, locations, inline, filterMasks, gridShape } =
    manifest;
  const fail = (message: string): MoraineError => new MoraineError("InvalidArgument", message, { path });
  if (filterMasks?.some((mask) => mask !== 0)) {
    throw new MoraineError("UnsupportedFilter", "Icechunk cannot say that a chunk lacks some of the codecs", {
      path,
    });
  }
  const placeCount = gridShape.reduce((product, length) => product * length, 1);
  if (positions ? positions.length < count : count !== placeCount) {
    throw fail("a manifest with fewer positions than entries");
  }
  for (let entry = 0, before = -1; entry < count; entry++) {
    const position = positions?.[entry] ?? entry;
    if (!(position > before)) throw fail("the entries of a manifest are not in order");
    if (!Number.isInteger(position) || position >= placeCount) {
      throw fail(`entry ${entry} of a manifest is at place ${position} of ${placeCount}`);
    }
    before = position;
    if (inline.size > 0 && inline.has(entry)) continue;
    const offset = offsets[entry] ?? -1;
    const length = lengths[entry] ?? -1;
    if (!Number.isSafeInteger(offset) || offset < 0 || !Number.isSafeInteger(length) || length < 1) {
      throw fail(`entry ${entry} of a manifest has the offset ${offset} and the length ${length}`);
    }
    if (locations[locationIndexes?.[entry] ?? 0] === undefined) {
      throw fail(`entry ${entry} of a manifest has no location`);
    }
  }
}

async function referencesOfEntries(
  context: IncomingContext,
  manifest: ChunkManifest,
  path: string,
  options: StorageOptions,
): Promise<ChunkReferences> {
  const { count, positions, offsets, lengths, locationIndexes, inline, gridShape } = manifest;
  const builder = new ReferenceBuilder(count);
  const targets = targetsOf(context, manifest, builder);
  for (let entry = 0; entry < count; entry++) {
    const bytes = inline.get(entry);
    if (bytes) {
      const position = positions?.[entry] ?? entry;
      await addBytes(context, builder, bytes, { array: path, position }, options);
      continue;
    }
    const offset = offsets[entry] ?? 0;
    const length = lengths[entry] ?? 0;
    const target = targets[locationIndexes?.[entry] ?? 0];
    if (!target)
      throw new MoraineError("InvalidArgument", `entry ${entry} of a manifest has no location`, { path });
    if (target.kind === "virtual") builder.addVirtual(target.index, offset, length);
    else builder.addNative(target.id, 0, offset, length);
  }
  const own = positions?.slice(0, count) ?? Float64Array.from({ length: count }, (_, entry) => entry);
  return builder.finish(gridShape, own);
}

async function addBytes(
  context: IncomingContext,
  builder: ReferenceBuilder,
  bytes: Uint8Array,
  owner: ChunkOwner,
  options: StorageOptions,
): Promise<void> {
  requireBytes(bytes, owner.array);
  if (bytes.length <= context.inlineThreshold) {
    builder.addInline(builder.addBuffer(bytes), 0, bytes.length);
    return;
  }
  const { chunkId, offset, length } = await context.packing.add(bytes, owner, options);
  builder.addNative(chunkId, 0, offset, length);
}

/**
 * Official readers cannot read chunks without bytes; and of other arrays every element would become a byte.
 *
 * Errors: `InvalidArgument`.
 */
export function requireBytes(bytes: Uint8Array, path: string): void {
  // By its name, as arrays of another realm are instances of nothing here.
  if (Object.prototype.toString.call(bytes) !== "[object Uint8Array]") {
    throw new MoraineError("InvalidArgument", "a chunk is set as its encoded bytes, in a Uint8Array", {
      path,
    });
  }
  if (bytes.length === 0)
    throw new MoraineError("InvalidArgument", "a chunk needs at least one byte", { path });
}

function targetsOf(
  { files, access }: IncomingContext,
  manifest: ChunkManifest,
  builder: ReferenceBuilder,
): (Target | undefined)[] {
  const used = new Uint8Array(manifest.locations.length);
  if (manifest.locationIndexes === undefined) used[0] = 1;
  else for (let entry = 0; entry < manifest.count; entry++) used[manifest.locationIndexes[entry] ?? 0] = 1;
  const own = `${files.addressOf(FOLDERS.chunk)}/`;
  return manifest.locations.map((address, index): Target | undefined => {
    // A manifest whose bytes are all inline may name a location without pointing to it.
    if (used[index] === 0 || manifest.inline.size === manifest.count) return undefined;
    if (address.startsWith(own) && isObjectId(address.slice(own.length))) {
      return { kind: "native", id: decodeIdentifier(address.slice(own.length), OBJECT_ID_BYTES) };
    }
    const object = virtualObjectOf(address, manifest.versions[index], access.schemeOf(address));
    requireContainer(access, object);
    return { kind: "virtual", index: builder.addVirtualObject(object) };
  });
}

function requireContainer(access: VirtualChunkAccess, object: VirtualObject): void {
  if (access.covers(object.location)) return;
  throw new MoraineError(
    "InvalidArgument",
    "no virtual chunk container of the repository covers this location, so that nobody could read it: " +
      "add one to the configuration first",
    { source: object.location },
  );
}
