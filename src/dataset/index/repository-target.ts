/**
 * An Icechunk repository as the target of an index: one commit.
 *
 * @module
 */

import { type JsonObject, stringifyJson } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { Repository } from "../../icechunk/repository.ts";
import type { Session } from "../../icechunk/session/session.ts";
import { isInParts, type ReferencesOfArray } from "../../manifest/manifest-parts.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { PLACE_MISSING } from "../../zarr/chunk-source.ts";
import { arrayMetadataToShow } from "../../zarr/metadata-v3.ts";
import { containerPrefixes } from "./containers.ts";
import type { IndexPlan } from "./plan.ts";
import type { CommitOptions, Committed, IndexTarget } from "./target.ts";
import type { TargetOptions } from "./targets.ts";

const MAIN = "main";
/** Nothing is read through this session: chunks are only asked whether they are there, before they are deleted. */
const AUTHORIZED = "all";

/** Gathers everything in a session; readers see nothing of it before the commit. */
export class RepositoryTarget implements IndexTarget {
  readonly #repository: Repository;
  readonly #session: Session;
  readonly #branch: string;
  readonly #containers: readonly string[];
  /** Whether the repository was made for this index, so that it may go with it. */
  readonly #isNew: boolean;
  /** Whether groups that are there get other attributes. */
  readonly #updates: boolean;

  private constructor(
    repository: Repository,
    session: Session,
    branch: string,
    containers: readonly string[],
    isNew: boolean,
    updates: boolean,
  ) {
    this.#repository = repository;
    this.#session = session;
    this.#branch = branch;
    this.#containers = containers;
    this.#isNew = isNew;
    this.#updates = updates;
  }

  /** Opens the repository, made where there is none, and the branch, made from main where it is not there. */
  static async open(address: string, plan: IndexPlan, options: TargetOptions): Promise<RepositoryTarget> {
    const { storage, signal, branch = MAIN } = options;
    const manifests: ReferencesOfArray[] = [];
    for (const node of plan.nodes) {
      if (node.kind === "array" && node.references) manifests.push(node.references);
    }
    const containers = containerPrefixes(manifests);
    const config = { virtualChunkContainers: containers.map((urlPrefix) => ({ urlPrefix })) };
    const isNew = !(await Repository.exists(storage, address, { signal }));
    const repository = isNew
      ? await Repository.create(storage, address, { signal, config })
      : await Repository.open(storage, address, { signal, config, authorize: AUTHORIZED });
    if (!(await repository.listBranches({ signal })).has(branch)) {
      await repository.createBranch(branch, await repository.lookupBranch(MAIN, { signal }), { signal });
    }
    const session = await repository.writableSession(branch, { signal });
    if (options.base !== undefined && session.snapshotId !== options.base) {
      throw new MoraineError("Conflict", "others committed while the sources were scanned; try again", {
        source: address,
      });
    }
    return new RepositoryTarget(repository, session, branch, containers, isNew, options.updates === true);
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    const node = this.#updates ? this.#session.node(path) : undefined;
    if (node?.kind === "group") {
      if (stringifyJson(node.attributes) !== stringifyJson(attributes))
        this.#session.updateGroup(path, attributes);
      return;
    }
    try {
      this.#session.createGroup(path, attributes);
    } catch (error) {
      // The root of a repository that holds something already stays as it is.
      const keepsRoot = path === "/" && isMoraineError(error, "AlreadyExists");
      if (!keepsRoot || Object.keys(attributes).length > 0) throw error;
    }
  }

  async createArray(path: string, metadata: ArrayMetadata): Promise<void> {
    this.#session.createArray(path, metadata);
  }

  async updateArray(path: string, metadata: ArrayMetadata): Promise<void> {
    if (documentOf(this.#session.array(path).metadata) !== documentOf(metadata)) {
      this.#session.updateArray(path, metadata);
    }
  }

  async removeArray(path: string): Promise<void> {
    this.#session.delete(path);
  }

  async setReferences(
    path: string,
    references: ReferencesOfArray,
    { signal }: StorageOptions = {},
  ): Promise<number> {
    if (!isInParts(references)) {
      await this.#session.setReferences(path, references, { signal });
      return 0;
    }
    for await (const { row, manifest } of references.parts({ signal })) {
      const at = manifest.gridShape.map((_, axis) => (axis === 0 ? row : 0));
      await this.#session.setReferences(path, manifest, { at, signal });
    }
    return 0;
  }

  async setChunk(
    path: string,
    coordinates: readonly number[],
    bytes: Uint8Array,
    options: StorageOptions = {},
  ): Promise<void> {
    await this.#session.setChunk(path, coordinates, bytes, options);
  }

  async deleteChunks(
    path: string,
    chunks: readonly (readonly number[])[],
    options: StorageOptions = {},
  ): Promise<void> {
    const coordinates = Uint32Array.from(chunks.flat());
    const { kinds } = await this.#session.array(path).chunks.locate(coordinates, chunks.length, options);
    const stored = chunks.filter((_, index) => kinds[index] !== PLACE_MISSING);
    if (stored.length > 0) await this.#session.deleteChunks(path, stored);
  }

  async commit(message: string, options: CommitOptions = {}): Promise<Committed> {
    if (this.#containers.length > 0 && !this.#isNew) {
      const virtualChunkContainers = this.#containers.map((urlPrefix) => ({ urlPrefix }));
      await this.#repository.saveConfig({ virtualChunkContainers }, options);
    }
    const snapshot = await this.#session.commit(message, options);
    return { snapshot, branch: this.#branch };
  }

  async abandon(): Promise<void> {
    if (!this.#isNew) return;
    const { storage, address } = this.#repository;
    const addresses: string[] = [];
    for await (const object of storage.list(`${address}/`)) addresses.push(object.address);
    await storage.delete(addresses);
  }
}

function documentOf(metadata: ArrayMetadata): string {
  return stringifyJson(arrayMetadataToShow(metadata));
}
