/**
 * Repositories by address.
 *
 * @module
 */

import type { VirtualChunkAuthorization } from "../icechunk/changes/virtual-chunks.ts";
import { type RepositoryOptions, Repository as StoredRepository } from "../icechunk/repository.ts";
import { schemeOf } from "../storage/address.ts";
import { type RouterOptions, StorageRouter } from "../storage/router.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { addressOf } from "./open.ts";

/** Everything but this machine's own files. */
const REMOTE_PREFIXES = [
  "http://",
  "https://",
  "s3://",
  "gs://",
  "gcs://",
  "az://",
  "azure://",
  "abfs://",
  "abfss://",
];

/** How a repository is opened by its address. */
export interface AddressedRepositoryOptions extends Omit<RepositoryOptions, "authorize">, RouterOptions {
  /**
   * Paths and URL prefixes that virtual chunks may be read from. Where it is left out, everything; but a repository
   * that is not on this machine leads to none of this machine's files. `[]` allows nothing.
   */
  readonly authorize?: readonly string[] | "all" | undefined;
  /** The storage to be used and counted, instead of a new one. */
  readonly storage?: StorageRouter | undefined;
}

/** Where the virtual chunks of a repository may lie. */
export function authorizationFor(
  address: string,
  authorize: readonly string[] | "all" | undefined,
): VirtualChunkAuthorization {
  if (authorize === "all") return "all";
  if (authorize !== undefined) return authorize.map(addressOf);
  const scheme = schemeOf(address);
  return scheme === "file" || scheme === "memory" ? "all" : REMOTE_PREFIXES;
}

/** A repository of Icechunk: versions of a tree of arrays, with branches and tags. */
export type Repository = StoredRepository;

type Opening = (address: string, options?: AddressedRepositoryOptions) => Promise<Repository>;

function by(
  open: (storage: StorageRouter, address: string, options: RepositoryOptions) => Promise<Repository>,
): Opening {
  return async (typed, options = {}) => {
    const address = addressOf(typed);
    const authorize = authorizationFor(address, options.authorize);
    return await open(options.storage ?? new StorageRouter(options), address, { ...options, authorize });
  };
}

/**
 * Opens and makes repositories.
 *
 * @example
 * const repository = await Repository.open("archive.icechunk");
 * const session = await repository.writableSession("main");
 */
export const Repository: {
  /** Errors: `NotFound` where there is none; those of its files. */
  readonly open: Opening;
  /** Makes one in an empty folder. Errors: `AlreadyExists`. */
  readonly create: Opening;
  /** Opens the one that is there, or makes it. */
  readonly openOrCreate: Opening;
  readonly exists: (
    address: string,
    options?: StorageOptions & Pick<AddressedRepositoryOptions, "storage">,
  ) => Promise<boolean>;
} = {
  open: by((storage, address, options) => StoredRepository.open(storage, address, options)),
  create: by((storage, address, options) => StoredRepository.create(storage, address, options)),
  openOrCreate: by((storage, address, options) => StoredRepository.openOrCreate(storage, address, options)),
  exists: (address, { storage = new StorageRouter(), signal } = {}) =>
    StoredRepository.exists(storage, addressOf(address), { signal }),
};
