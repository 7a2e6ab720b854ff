/**
 * An Icechunk repository as the target of an index: one commit.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import { Repository } from "../../icechunk/repository.ts";
import type { Session } from "../../icechunk/session/session.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { absolutePath } from "../source.ts";
import { containerPrefixes } from "./containers.ts";
import type { IndexPlan } from "./plan.ts";
import type { CommitOptions, Committed, IndexTarget } from "./target.ts";
import type { TargetOptions } from "./targets.ts";

const MAIN = "main";

/** Gathers everything in a session; readers see nothing of it before the commit. */
export class RepositoryTarget implements IndexTarget {
  readonly #repository: Repository;
  readonly #session: Session;
  readonly #branch: string;
  readonly #containers: readonly string[];
  /** Whether the repository was made for this index, so that it may go with it. */
  readonly #isNew: boolean;
  /** Path of the group whose members are replaced. */
  readonly #replaced: string | undefined;

  private constructor(
    repository: Repository,
    session: Session,
    branch: string,
    containers: readonly string[],
    isNew: boolean,
    replaced: string | undefined,
  ) {
    this.#repository = repository;
    this.#session = session;
    this.#branch = branch;
    this.#containers = containers;
    this.#isNew = isNew;
    this.#replaced = replaced;
  }

  /** Opens the repository, made where there is none, and the branch, made from main where it is not there. */
  static async open(address: string, plan: IndexPlan, options: TargetOptions): Promise<RepositoryTarget> {
    const { storage, signal, branch = MAIN } = options;
    const manifests: ChunkManifest[] = [];
    for (const node of plan.nodes) {
      if (node.kind === "array" && node.references) manifests.push(node.references);
    }
    const containers = containerPrefixes(manifests);
    const config = { virtualChunkContainers: containers.map((urlPrefix) => ({ urlPrefix })) };
    const isNew = !(await Repository.exists(storage, address, { signal }));
    const repository = isNew
      ? await Repository.create(storage, address, { signal, config })
      : await Repository.open(storage, address, { signal, config });
    if (!(await repository.listBranches({ signal })).has(branch)) {
      await repository.createBranch(branch, await repository.lookupBranch(MAIN, { signal }), { signal });
    }
    const session = await repository.writableSession(branch, { signal });
    if (options.base !== undefined && session.snapshotId !== options.base) {
      throw new MoraineError("Conflict", "others committed while the sources were scanned; try again", {
        source: address,
      });
    }
    const replaced = options.replaceBut === undefined ? undefined : absolutePath(options.group ?? "/");
    if (replaced !== undefined) await clearGroup(session, replaced, options.replaceBut ?? []);
    return new RepositoryTarget(repository, session, branch, containers, isNew, replaced);
  }

  async createGroup(path: string, attributes: JsonObject): Promise<void> {
    if (path === this.#replaced) return this.#session.updateGroup(path, attributes);
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
    this.#session.updateArray(path, metadata);
  }

  async removeArray(path: string): Promise<void> {
    this.#session.delete(path);
  }

  async setReferences(path: string, manifest: ChunkManifest, options: StorageOptions = {}): Promise<number> {
    await this.#session.setReferences(path, manifest, { signal: options.signal });
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

/** Deletes everything in a group but the given paths. */
async function clearGroup(session: Session, group: string, but: readonly string[]): Promise<void> {
  const node = session.node(group);
  if (node?.kind !== "group") return;
  const above = group === "/" ? "" : group;
  for (const name of (await node.children()).keys()) {
    const path = `${above}/${name}`;
    if (!but.some((kept) => kept === path || kept.startsWith(`${path}/`))) session.delete(path);
  }
  session.updateGroup(group, {});
}
