/**
 * The references of one array of a Kerchunk set as a manifest.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { folderOf, refuseUserInformation, relativeAddress, schemeOf } from "../../storage/address.ts";
import { isAuthorized, refuseClimbing } from "../../storage/authorized-prefixes.ts";
import type { Storage, StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { gridShapeOf } from "../../zarr/chunk-grid.ts";
import { parseChunkKey } from "../../zarr/chunk-key.ts";
import {
  type ChunkCoordinates,
  type ChunkPlaces,
  PLACE_OBJECT,
  PLACE_RANGE,
} from "../../zarr/chunk-source.ts";
import type { ChunkManifest } from "../chunk-manifest.ts";
import { ManifestBuilder, NOWHERE } from "../manifest-builder.ts";
import { placesIn } from "../manifest-chunk-source.ts";
import type { Reference } from "./reference-set.ts";

/** The length of a whole object before its size is asked for. */
const WHOLE = -1;
const LOCAL = new Set(["file", "memory"]);

/** Addresses as a set of references writes them. */
export class ReferenceAddresses {
  readonly #document: string;
  readonly #authorize: readonly string[] | undefined;
  readonly #known = new Map<string, string>();

  /**
   * @param document address of the set of references: relative addresses are resolved against its folder
   * @param authorize prefixes that references may lead to, besides that folder; where it is left out, everything but
   * files of this machine and what this process holds in references from elsewhere
   */
  constructor(document: string, authorize?: readonly string[]) {
    this.#document = document;
    this.#authorize = authorize;
  }

  /** The absolute address. Errors: `Unauthorized`; `InvalidArgument` for addresses that climb. */
  resolve(url: string): string {
    const known = this.#known.get(url);
    if (known !== undefined) return known;
    const address = this.#absolute(url);
    refuseClimbing(address);
    if (!this.#isAllowed(address)) {
      throw new MoraineError("Unauthorized", `references lead to ${address}, which is not authorized`, {
        source: this.#document,
      });
    }
    this.#known.set(url, address);
    return address;
  }

  #isAllowed(address: string): boolean {
    if (this.#authorize !== undefined) {
      return isAuthorized(address, this.#authorize) || isAuthorized(address, [folderOf(this.#document)]);
    }
    return !LOCAL.has(schemeOf(address) ?? "") || LOCAL.has(schemeOf(this.#document) ?? "");
  }

  /** References may lead to any storage: that is what they are for. */
  #absolute(url: string): string {
    if (schemeOf(url) === undefined) return relativeAddress(this.#document, url);
    refuseUserInformation(url);
    return url;
  }
}

/** Collects the references of an array. */
export class ArrayReferences {
  readonly #metadata: ArrayMetadata;
  readonly #gridShape: readonly number[];
  readonly #addresses: ReferenceAddresses;
  readonly #locations = new Map<string, number>();
  /** Chunks that the set holds itself, before the first that lies elsewhere: only places that are used become locations. */
  readonly #first: (readonly [position: number, bytes: Uint8Array])[] = [];
  #builder: ManifestBuilder | undefined;

  constructor(metadata: ArrayMetadata, addresses: ReferenceAddresses) {
    this.#metadata = metadata;
    this.#gridShape = gridShapeOf(metadata);
    this.#addresses = addresses;
  }

  /**
   * Adds the reference of a chunk key; keys that are no chunk of the array are passed over.
   *
   * Errors: `Unauthorized`, `InvalidMetadata`.
   */
  addKey(key: string, reference: Reference): void {
    const position = this.#positionOf(key);
    if (position !== undefined) this.add(position, reference);
  }

  /** Adds the reference of the chunk at a grid position. */
  add(position: number, reference: Reference): void {
    if (reference.kind === "inline") {
      if (this.#builder) this.#builder.appendInline(position, reference.bytes);
      else this.#first.push([position, reference.bytes]);
      return;
    }
    const address = this.#addresses.resolve(reference.url);
    let location = this.#locations.get(address);
    if (location === undefined) {
      if (this.#builder === undefined) {
        this.#builder = this.#begun(address);
        location = 0;
      } else location = this.#builder.addLocation(address);
      this.#locations.set(address, location);
    }
    if (reference.kind === "object") this.#builder?.append(position, 0, WHOLE, 0, location);
    else this.#builder?.append(position, reference.offset, reference.length, 0, location);
  }

  /** The manifest, in which whole objects have the length -1. */
  build(): ChunkManifest {
    return (this.#builder ?? this.#begun(NOWHERE)).build();
  }

  #begun(location: string): ManifestBuilder {
    const builder = new ManifestBuilder(this.#gridShape, location);
    for (const [position, bytes] of this.#first) builder.appendInline(position, bytes);
    return builder;
  }

  #positionOf(key: string): number | undefined {
    const { chunkKeyEncoding: encoding } = this.#metadata;
    const rank = this.#gridShape.length;
    // Some writers put the only chunk of a scalar under an empty name, or use the other separator.
    if (rank === 0 && (key === "" || key === "0")) return 0;
    const coordinates =
      parseChunkKey(encoding, key, rank) ??
      parseChunkKey({ ...encoding, separator: encoding.separator === "." ? "/" : "." }, key, rank);
    if (coordinates === undefined) return undefined;
    let position = 0;
    for (let axis = 0; axis < rank; axis++) {
      const length = this.#gridShape[axis] ?? 0;
      const coordinate = coordinates[axis] ?? 0;
      if (coordinate >= length) return undefined;
      position = position * length + coordinate;
    }
    return position;
  }
}

/** Places in a manifest where the length of whole objects is not known. */
export function placesWithObjects(
  manifest: ChunkManifest,
  coordinates: ChunkCoordinates,
  count: number,
): ChunkPlaces {
  const places = placesIn(manifest, coordinates, count);
  for (let chunk = 0; chunk < count; chunk++) {
    if (places.kinds[chunk] === PLACE_RANGE && (places.lengths[chunk] ?? 0) < 0) {
      places.kinds[chunk] = PLACE_OBJECT;
      places.lengths[chunk] = 0;
    }
  }
  return places;
}

/** The manifest with the sizes of whole objects, each asked for once. Errors: those of the storage. */
export async function withObjectSizes(
  manifest: ChunkManifest,
  storage: Storage,
  options?: StorageOptions,
): Promise<ChunkManifest> {
  const wanted = new Set<number>();
  for (let entry = 0; entry < manifest.count; entry++) {
    if (manifest.lengths[entry] === WHOLE) wanted.add(manifest.locationIndexes?.[entry] ?? 0);
  }
  if (wanted.size === 0) return manifest;
  const sizes = new Map<number, number>();
  const versions = [...manifest.versions];
  const queue = wanted.values();
  const ask = async (): Promise<void> => {
    for (const location of queue) {
      const version = await storage.head(manifest.locations[location] ?? "", options);
      sizes.set(location, version.size);
      versions[location] = version;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_HEADS }, ask));
  const lengths = manifest.lengths.map((length, entry) =>
    length === WHOLE ? (sizes.get(manifest.locationIndexes?.[entry] ?? 0) ?? 0) : length,
  );
  return { ...manifest, lengths, versions };
}

const CONCURRENT_HEADS = 16;
