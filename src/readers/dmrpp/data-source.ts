/**
 * Where the bytes of a document's chunks lie.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { ReferenceAddresses } from "../../manifest/kerchunk/array-references.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";

/** A file of data, in the version that was there when the document was opened. */
export interface DataFile {
  readonly address: string;
  readonly version: Version;
}

/** What stands for an address that the server of the document puts in. */
const PLACEHOLDER = "OPeNDAP_DMRpp_DATA_ACCESS_URL";

/** The files that a document refers to. */
export class DataSource {
  readonly #document: string;
  readonly #href: string;
  readonly #storage: Storage;
  readonly #addresses: ReferenceAddresses;
  readonly #files = new Map<string, Promise<DataFile>>();

  /**
   * @param document its address
   * @param href of the element `Dataset`
   * @param authorize prefixes that it may lead to
   */
  constructor(document: string, href: string, storage: Storage, authorize?: readonly string[]) {
    this.#document = document;
    this.#href = href;
    this.#storage = storage;
    this.#addresses = new ReferenceAddresses(document, authorize);
  }

  /**
   * The file that chunks lie in. Without a `href` of their own it is the file beside the document, whose name is its own
   * without `.dmrpp`, as OPeNDAP lays them; else where the document's `href` leads.
   *
   * Errors: `NotFound`, `Unauthorized`; those of the storage.
   */
  file(href: string, options?: StorageOptions): Promise<DataFile> {
    const wanted = href === this.#href ? "" : href;
    let file = this.#files.get(wanted);
    if (file === undefined) {
      file = wanted === "" ? this.#own(options) : this.#at(wanted, options);
      this.#files.set(wanted, file);
    }
    return file;
  }

  async #own(options: StorageOptions | undefined): Promise<DataFile> {
    const beside = this.#document.replace(/\.dmrpp(?=$|[?#])/i, "");
    const href = this.#href === PLACEHOLDER ? "" : this.#href;
    if (beside !== this.#document) {
      try {
        return await this.#at(beside, options);
      } catch (error) {
        if (!isMoraineError(error, "NotFound") || href === "") throw error;
      }
    }
    if (href !== "") return await this.#at(href, options);
    throw new MoraineError("NotFound", "neither its name nor its href tells where its data lie", {
      source: this.#document,
    });
  }

  async #at(href: string, options: StorageOptions | undefined): Promise<DataFile> {
    const address = this.#addresses.resolve(href);
    return { address, version: await this.#storage.head(address, { signal: options?.signal }) };
  }
}
