/**
 * The global heap: values of variable length (specification 4.0, III.E "Global Heap").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { requireVersion, signedBlock } from "./checked-block.ts";
import { settle } from "./faults.ts";
import type { MetadataSource } from "./metadata-source.ts";
import { OverlapGuard } from "./overlap-guard.ts";

/** An object in a collection of the global heap. */
export interface GlobalHeapReference {
  /** Of the collection. */
  readonly address: number;
  /** Of the object in it, from 1. */
  readonly index: number;
}

/** The objects of one collection by index. */
type Collection = ReadonlyMap<number, Uint8Array>;

/** Bytes of most collections: the library makes none smaller. */
const GUESS = 4096;
/** Signature, version, reserved, length: rounded up to a multiple of 8 (H5HG_ALIGN) as all that follows. */
const HEAD = 16;
/** Index, reference count, reserved, length. */
const OBJECT_HEAD = 16;
/** Collections that are read side by side. */
const AT_ONCE = 256;

/**
 * The objects in the order of the references. Each collection is read once a call.
 *
 * Faults in the objects' places: `CorruptFile`, `TruncatedFile`, `UnsupportedVersion`.
 */
export async function readGlobalHeapObjects(
  metadata: MetadataSource,
  references: readonly GlobalHeapReference[],
  options: StorageOptions,
): Promise<(Uint8Array | MoraineError)[]> {
  const guard = new OverlapGuard(metadata, "the collections of the global heap");
  const byCollection = new Map<number, number[]>();
  references.forEach(({ address }, i) => {
    const members = byCollection.get(address);
    if (members) members.push(i);
    else byCollection.set(address, [i]);
  });
  const objects = new Array<Uint8Array | MoraineError>(references.length);
  const addresses = [...byCollection.keys()];
  for (let from = 0; from < addresses.length; from += AT_ONCE) {
    const batch = addresses.slice(from, from + AT_ONCE);
    const collections = await settle(
      batch.map((address) => readCollection(metadata, address, guard, options)),
    );
    for (const [i, collection] of collections.entries()) {
      const address = batch[i] ?? 0;
      for (const member of byCollection.get(address) ?? []) {
        objects[member] =
          collection instanceof MoraineError
            ? collection
            : objectOf(metadata, collection, address, references[member]?.index ?? 0);
      }
    }
  }
  return objects;
}

function objectOf(
  metadata: MetadataSource,
  collection: Collection,
  address: number,
  index: number,
): Uint8Array | MoraineError {
  return (
    collection.get(index) ??
    new MoraineError("CorruptFile", `the global heap collection has no object ${index}`, {
      source: metadata.source,
      offset: metadata.base + address,
    })
  );
}

async function readCollection(
  metadata: MetadataSource,
  address: number,
  guard: OverlapGuard,
  options: StorageOptions,
): Promise<Collection> {
  const { lengthSize } = metadata;
  let [bytes] = await metadata.readUpTo([{ address, length: GUESS }], options);
  let cursor = signedBlock(metadata, bytes, address, "GCOL");
  requireVersion(cursor, "GCOL", 1);
  cursor.skip(3);
  const length = cursor.uint(lengthSize);
  guard.enter(address, length);
  if (length > cursor.bytes.length) {
    [bytes] = await metadata.read([{ address, length }], options);
    cursor = signedBlock(metadata, bytes, address, "GCOL");
  }
  const end = Math.min(length, cursor.bytes.length);
  cursor.position = Math.min(HEAD, end);
  const objects = new Map<number, Uint8Array>();
  while (cursor.position + OBJECT_HEAD <= end) {
    const start = cursor.position;
    const index = cursor.u16();
    // Index 0 is the space that is left.
    if (index === 0) break;
    cursor.skip(6);
    const size = cursor.uint(lengthSize);
    cursor.position = start + OBJECT_HEAD;
    objects.set(index, cursor.take(size));
    // The last object may end where the collection does.
    cursor.position = Math.min(Math.ceil(cursor.position / 8) * 8, end);
  }
  return objects;
}
