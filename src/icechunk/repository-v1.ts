/**
 * Repositories of specification 1, in which every branch and tag is an object of its own, and snapshots know their
 * parents. They are read as if they had a `repo` file.
 *
 * @module
 */

import { isJsonObject, parseJson } from "../binary/json.ts";
import { isMoraineError, MoraineError } from "../errors.ts";
import { namesBelow } from "../storage/names.ts";
import type { StorageOptions } from "../storage/storage.ts";
import { writeConfiguration } from "./configuration.ts";
import { parseConfigYaml } from "./format/config-yaml.ts";
import { isObjectId, type ObjectId } from "./format/identifier.ts";
import { decodeMetadata, encodeMetadata } from "./format/metadata.ts";
import type { RepoInfo, SnapshotInfo } from "./format/repo.ts";
import type { RepositoryFiles } from "./repository-files.ts";

const REFS_FOLDER = "refs";
const MAIN = "branch.main";

/** The snapshot that a ref's object names: `branch.NAME` or `tag.NAME`; undefined where it is not there. */
async function readRef(
  files: RepositoryFiles,
  name: string,
  options: StorageOptions,
): Promise<ObjectId | undefined> {
  const key = `${REFS_FOLDER}/${name}/ref.json`;
  const found = await files.readIfThere(key, options);
  if (!found) return undefined;
  const json = parseJson(found.bytes, files.addressOf(key));
  const id = isJsonObject(json) ? json["snapshot"] : undefined;
  if (typeof id === "string" && isObjectId(id)) return id;
  throw new MoraineError("CorruptFile", "this ref names no snapshot", { source: files.addressOf(key) });
}

/** Names of all refs; those that were deleted among them. Storages that cannot list have only main. */
async function refNames(files: RepositoryFiles, options: StorageOptions): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const name of namesBelow(files.storage, `${files.addressOf(REFS_FOLDER)}/`, options)) {
      if (name.endsWith("/")) names.push(name.slice(0, -1));
    }
  } catch (error) {
    if (!isMoraineError(error, "InvalidArgument", "StorageFailed", "NotFound")) throw error;
    return [MAIN];
  }
  return names;
}

/**
 * What a repository of specification 1 says of itself; undefined where there is none.
 *
 * Every snapshot of its history is read, each after the one that it is the parent of.
 */
export async function readInfoV1(
  files: RepositoryFiles,
  options: StorageOptions = {},
): Promise<RepoInfo | undefined> {
  const main = await readRef(files, MAIN, options);
  if (main === undefined) return undefined;
  const branches = new Map<string, ObjectId>();
  const tags = new Map<string, ObjectId>();
  const deletedTags = new Set<string>();
  await Promise.all(
    (await refNames(files, options)).map(async (name) => {
      const [kind, ref] = [name.slice(0, name.indexOf(".")), name.slice(name.indexOf(".") + 1)];
      if (kind === "tag" && (await isDeletedTag(files, name, options))) {
        deletedTags.add(ref);
        return;
      }
      const id = await readRef(files, name, options);
      if (id !== undefined && kind === "branch") branches.set(ref, id);
      if (id !== undefined && kind === "tag") tags.set(ref, id);
    }),
  );
  const config = await files.readIfThere("config.yaml", options);
  return {
    specVersion: 1,
    branches,
    tags,
    deletedTags,
    snapshots: await readHistory(files, [...branches.values(), ...tags.values()], options),
    status: { availability: "online", setAt: 0 },
    metadata: [],
    latestUpdates: [],
    config: config && writeConfiguration(parseConfigYaml(config.bytes, files.addressOf("config.yaml"))),
    enabledFlags: [],
    disabledFlags: [],
  };
}

async function isDeletedTag(files: RepositoryFiles, name: string, options: StorageOptions): Promise<boolean> {
  return (await files.readIfThere(`${REFS_FOLDER}/${name}/ref.json.deleted`, options)) !== undefined;
}

/** All snapshots from some tips to the first. Metadata values become those of specification 2. */
async function readHistory(
  files: RepositoryFiles,
  tips: readonly ObjectId[],
  options: StorageOptions,
): Promise<Map<ObjectId, SnapshotInfo>> {
  const snapshots = new Map<ObjectId, SnapshotInfo>();
  for (const tip of tips) {
    for (let id: ObjectId | undefined = tip; id !== undefined && !snapshots.has(id); ) {
      const snapshot = await files.snapshot(id, options);
      const { parentId, flushedAt, message, specVersion } = snapshot;
      const metadata = encodeMetadata(decodeMetadata(snapshot.metadata, specVersion, files.address));
      snapshots.set(id, { id, parentId, flushedAt, message, metadata, prunedAncestorLogs: [] });
      id = parentId;
    }
  }
  return snapshots;
}
