/**
 * The sources that a repository was made of and the versions they had, kept with the commits: what `update` looks at.
 *
 * @module
 */

import { stringifyJson } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { Repository } from "../../icechunk/repository.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import type { Places, SourcePlace } from "../combine/places.ts";
import { mapConcurrent } from "../concurrent.ts";
import {
  type IndexRecord,
  type KnownSource,
  recordOf,
  recordToJson,
  type WrittenRecord,
} from "./index-record.ts";
import type { IndexPlan } from "./plan.ts";

const CONCURRENT_HEADS = 16;

/** Sources with the versions that their references have, else that are asked for, and their places. */
export async function versionsOf(
  addresses: readonly string[],
  plan: IndexPlan,
  storage: Storage,
  options: StorageOptions,
): Promise<KnownSource[]> {
  const scanned = new Map<string, Version>();
  for (const node of plan.nodes) {
    if (node.kind !== "array") continue;
    node.references?.locations.forEach((location, index) => {
      const version = node.references?.versions[index];
      // What a reference of a repository allows is no version that was found.
      if (version && version.notAfter === undefined) scanned.set(location, version);
    });
  }
  return await mapConcurrent(addresses, CONCURRENT_HEADS, async (address) => ({
    address,
    version: scanned.get(address) ?? (await versionAt(address, storage, options)) ?? {},
    place: plan.places?.sources.get(address),
  }));
}

/** The version of what lies at an address; undefined where nothing does, or a folder. */
async function versionAt(
  address: string,
  storage: Storage,
  options: StorageOptions,
): Promise<Version | undefined> {
  try {
    return await storage.head(address, { signal: options.signal });
  } catch (error) {
    if (isMoraineError(error, "NotFound", "InvalidArgument")) return undefined;
    throw error;
  }
}

/** An index that was committed. */
export interface CompletedIndex extends WrittenRecord {
  /** Id of its commit. */
  readonly snapshot: string;
}

/**
 * The newest index of a group, where it was one of the same sources in the same versions with the same options: then it
 * need not be done again.
 */
export async function completedIndex(
  repository: Repository,
  branch: string,
  wanted: IndexRecord,
  options: StorageOptions,
): Promise<CompletedIndex | undefined> {
  const textOf = (record: IndexRecord): string =>
    stringifyJson(recordToJson({ ...record, keeps: undefined, written: undefined }));
  const read = recordOf(recordToJson(wanted));
  for await (const entry of repository.ancestry({ branch }, { signal: options.signal })) {
    const record = recordOf(entry.metadata);
    if (record?.group !== wanted.group) continue;
    const { written } = record;
    const isSame = read !== undefined && textOf(record) === textOf(read);
    return isSame && written !== undefined ? { snapshot: entry.id, ...written } : undefined;
  }
  return undefined;
}

/** What the history of a branch says of a group. */
export interface RecordedSources {
  /** All sources, in the order in which they were added. */
  readonly sources: readonly KnownSource[];
  /** Where all of them stand; undefined where the history does not tell of each. */
  readonly places: Places | undefined;
  /** The commit that began it; undefined where none tells. */
  readonly beginning: IndexRecord | undefined;
  /** Other groups that were indexed on their own. */
  readonly others: readonly string[];
}

/** Reads what the history of a branch says of a group. */
export async function recordedSources(
  repository: Repository,
  branch: string,
  group: string,
  options: StorageOptions,
): Promise<RecordedSources> {
  const sources: KnownSource[] = [];
  const others = new Set<string>();
  /** Dimensions of the commits that added to the first; undefined where one does not tell. */
  const appended = new Set<string | undefined>();
  let beginning: IndexRecord | undefined;
  for await (const entry of repository.ancestry({ branch }, { signal: options.signal })) {
    const record = recordOf(entry.metadata);
    if (record === undefined) continue;
    if (record.group !== group) others.add(record.group);
    else if (beginning === undefined) {
      sources.unshift(...record.sources);
      if (record.isWhole) beginning = record;
      else appended.add(record.dimensions?.join());
    }
  }
  beginning = beginning && joinedBeginning(beginning, appended);
  const { concat, byCoords } = beginning?.options ?? {};
  const first = beginning?.dimensions ?? (concat === undefined || byCoords === true ? undefined : [concat]);
  const isOne = [...appended].every((dimension) => dimension === first?.join());
  const places = isOne ? placesOfSources(sources, first) : undefined;
  return { sources, places, beginning, others: [...others] };
}

/** One source to which others were appended is joined with them along their dimension. */
function joinedBeginning(beginning: IndexRecord, appended: ReadonlySet<string | undefined>): IndexRecord {
  const { concat, byCoords } = beginning.options;
  if (concat !== undefined || byCoords === true) return beginning;
  const [along] = appended;
  return { ...beginning, options: { ...beginning.options, concat: along } };
}

function placesOfSources(
  sources: readonly KnownSource[],
  dimensions: readonly string[] | undefined,
): Places | undefined {
  const [first, second] = sources;
  const known = new Map<string, SourcePlace>();
  // A source that was the first alone ends where the next begins.
  if (first && first.place === undefined && second?.place) {
    known.set(first.address, {
      ...second.place,
      start: second.place.start.map(() => 0),
      length: second.place.start,
    });
  }
  for (const { address, place } of sources) {
    if (known.has(address)) continue;
    if (place === undefined || place.start.length !== dimensions?.length) return undefined;
    known.set(address, place);
  }
  return dimensions && { dimensions, sources: known };
}

/** The same where the history tells all of it. Errors: `NotFound`. */
export async function knownSources(
  repository: Repository,
  branch: string,
  group: string,
  options: StorageOptions,
): Promise<RecordedSources & { readonly beginning: IndexRecord }> {
  const { beginning, ...recorded } = await recordedSources(repository, branch, group, options);
  const { concat, byCoords } = beginning?.options ?? {};
  const isTold =
    recorded.sources.length === beginning?.sources.length || concat !== undefined || byCoords === true;
  if (beginning !== undefined && isTold) return { ...recorded, beginning };
  throw new MoraineError(
    "NotFound",
    beginning === undefined
      ? "the history of the repository does not tell the sources of this group"
      : "the history of the repository does not tell along which dimension sources were added to this group",
    {
      source: repository.address,
      path: group,
    },
  );
}

/** What became of known sources since. */
export interface SourceChanges {
  /** Addresses of those that are there, in their order, changed or not. */
  readonly present: readonly string[];
  readonly changed: readonly string[];
  readonly gone: readonly string[];
}

/** Compares the versions of sources with what lies there now. Errors: those of the storage but `NotFound`. */
export async function changesOf(
  sources: readonly KnownSource[],
  storage: Storage,
  options: StorageOptions,
): Promise<SourceChanges> {
  const now = await mapConcurrent(sources, CONCURRENT_HEADS, ({ address }) =>
    versionAt(address, storage, options),
  );
  const present: string[] = [];
  const changed: string[] = [];
  const gone: string[] = [];
  sources.forEach(({ address, version }, index) => {
    const found = now[index];
    // Folders have no version of their own: nothing tells whether they changed.
    const isFolder = version.etag === undefined && version.size === undefined;
    if (found === undefined && !isFolder) {
      gone.push(address);
      return;
    }
    present.push(address);
    if (found !== undefined && !sameVersion(found, version)) changed.push(address);
  });
  return { present, changed, gone };
}
