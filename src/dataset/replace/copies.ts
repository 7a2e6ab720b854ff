/**
 * Files that are said to be copies of sources: each is checked as far as what is known of its source goes.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { entryLocation } from "../../manifest/chunk-manifest.ts";
import { nameOf } from "../../storage/address.ts";
import type { StorageRouter } from "../../storage/router.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import { listed } from "../listed-names.ts";
import { addressOf, openSource } from "../open.ts";
import { walkSource } from "../source.ts";
import type { StaleChunks, StaleSource } from "./stale-sources.ts";

/** A file in the place of a source. */
export interface Copy {
  readonly address: string;
  readonly version: Version;
}

/**
 * Finds the copy of each source: the only one for the only source, else the one with its name. It must have the size
 * that the source had, and chunks at the same places.
 *
 * Errors: `InvalidArgument` where a source has no copy, or a file no source; `Incompatible` for a file that is none;
 * those of opening it.
 */
export async function findCopies(
  given: readonly string[],
  stale: readonly StaleSource[],
  chunks: readonly StaleChunks[],
  recorded: ReadonlyMap<string, Version>,
  options: StorageOptions & { readonly storage: StorageRouter },
): Promise<Map<string, Copy>> {
  const used = stale.filter((source) => source.chunks > 0).map(({ source }) => source);
  const addresses = given.map(addressOf);
  const copies = new Map<string, Copy>();
  for (const source of used) {
    const fitting =
      used.length === 1 ? addresses : addresses.filter((address) => nameOf(address) === nameOf(source));
    const [address, second] = fitting;
    if (address === undefined || second !== undefined) {
      throw new MoraineError(
        "InvalidArgument",
        address === undefined
          ? `none of the copies has the name of this source: ${listed(given)}`
          : `several copies for one source: ${listed(fitting)}`,
        { source },
      );
    }
    copies.set(source, {
      address,
      version: await checkedVersion(address, source, chunks, recorded, options),
    });
  }
  const unused = addresses.filter(
    (address) => ![...copies.values()].some((copy) => copy.address === address),
  );
  if (unused.length > 0) {
    throw new MoraineError("InvalidArgument", `no stale source has this name: ${listed(unused)}`);
  }
  return copies;
}

async function checkedVersion(
  address: string,
  source: string,
  chunks: readonly StaleChunks[],
  recorded: ReadonlyMap<string, Version>,
  options: StorageOptions & { readonly storage: StorageRouter },
): Promise<Version> {
  const { storage, signal } = options;
  const version = await storage.head(address, { signal });
  const size = recorded.get(source)?.size;
  const refuse = (reason: string): MoraineError =>
    new MoraineError("Incompatible", `this is no copy of ${source}: ${reason}`, { source: address });
  if (size !== undefined && version.size !== size)
    throw refuse(`it has ${version.size} bytes instead of ${size}`);
  const places = await placesIn(address, { storage, signal });
  for (const { path, manifest, entries } of chunks) {
    for (const entry of entries) {
      if (entryLocation(manifest, entry) !== source) continue;
      const [offset, length] = [manifest.offsets[entry] ?? 0, manifest.lengths[entry] ?? 0];
      if (places.has(`${offset}+${length}`)) continue;
      throw refuse(`it has no chunk of ${length} bytes at ${offset}, where one of ${path} was`);
    }
  }
  return version;
}

/** Offset and length of every chunk of a file. */
async function placesIn(
  address: string,
  options: StorageOptions & { readonly storage: StorageRouter },
): Promise<Set<string>> {
  const places = new Set<string>();
  const opened = await openSource(address, options);
  try {
    for await (const { node } of walkSource(opened, "/", options)) {
      if (node.kind !== "array") continue;
      const manifest = await node.manifest?.(options);
      for (let entry = 0; entry < (manifest?.count ?? 0); entry++) {
        places.add(`${manifest?.offsets[entry]}+${manifest?.lengths[entry]}`);
      }
    }
  } finally {
    await opened.close();
  }
  return places;
}
