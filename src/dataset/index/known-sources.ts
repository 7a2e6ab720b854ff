/**
 * The sources that a repository was made of and the versions they had, kept with the commits: what `update` looks at.
 *
 * @module
 */

import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  stringifyJson,
} from "../../binary/json.ts";
import { isErrorCode, isMoraineError, MoraineError } from "../../errors.ts";
import type { Repository } from "../../icechunk/repository.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import type { CombineOptions } from "../combine/options.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { IndexPlan } from "./plan.ts";
import type { ChangedArray } from "./summary.ts";
import { COUNTS, noCounts, type WrittenCounts } from "./written-counts.ts";

/** Key of the record in the metadata of a commit. */
const KEY = "moraine";
const CONCURRENT_HEADS = 16;

export interface KnownSource {
  readonly address: string;
  readonly version: Version;
}

/** How sources become one dataset. */
export type RecordedOptions = Pick<
  CombineOptions,
  "concat" | "byCoords" | "join" | "drift" | "attributes" | "compat" | "grid" | "load"
>;

/** What one commit says. */
export interface IndexRecord {
  /** Path of the group that they became. */
  readonly group: string;
  readonly sources: readonly KnownSource[];
  /** Whether these are all sources of the group; else they were added to those before. */
  readonly isWhole: boolean;
  /** Whether what others had written since the sources were first indexed was kept. */
  readonly keeps?: boolean | undefined;
  readonly options: RecordedOptions;
  /** Options that say how arrays are stored, as text. */
  readonly form?: string | undefined;
  /** What was written. */
  readonly written?: WrittenRecord | undefined;
}

/** What an index wrote, as its summary tells it. */
export interface WrittenRecord {
  readonly counts: WrittenCounts;
  readonly leftOut: readonly ChangedArray[];
}

const OPTIONS = ["concat", "byCoords", "join", "drift", "attributes", "compat", "grid", "load"] as const;

/** The versions of sources: as their references have them, else asked for. */
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

/** The metadata of a commit. */
export function recordToJson(record: IndexRecord): JsonObject {
  const { group, sources, isWhole, keeps, options, form, written } = record;
  const chosen = OPTIONS.flatMap((key): [string, JsonValue][] => {
    const value = options[key];
    return value === undefined ? [] : [[key, value]];
  });
  return {
    [KEY]: {
      group,
      whole: isWhole,
      ...(keeps === true && { keeps }),
      options: Object.fromEntries(chosen),
      ...(form !== undefined && { form }),
      ...(written && { written: writtenToJson(written) }),
      sources: sources.map(
        ({ address, version: { etag, size, lastModified } }): JsonObject => ({
          address,
          ...(etag !== undefined && { etag }),
          ...(size !== undefined && { size }),
          ...(lastModified !== undefined && { last_modified: lastModified }),
        }),
      ),
    },
  };
}

function writtenToJson({ counts, leftOut }: WrittenRecord): JsonObject {
  return {
    ...Object.fromEntries(COUNTS.map((key) => [key, counts[key]])),
    left_out: leftOut.map(({ source, path, code, reason }) => ({ source, path, code, reason })),
  };
}

function writtenOf(json: JsonValue | undefined): WrittenRecord | undefined {
  if (!isJsonObject(json) || !isJsonArray(json["left_out"])) return undefined;
  const counts = noCounts();
  for (const key of COUNTS) {
    const count = json[key];
    if (typeof count !== "number") return undefined;
    counts[key] = count;
  }
  const leftOut = json["left_out"].flatMap((item): ChangedArray[] => {
    if (!isJsonObject(item)) return [];
    const { source, path, code, reason } = item;
    const isWhole = typeof source === "string" && typeof path === "string" && typeof reason === "string";
    return isWhole && typeof code === "string" && isErrorCode(code) ? [{ source, path, code, reason }] : [];
  });
  return { counts, leftOut };
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
  let beginning: IndexRecord | undefined;
  for await (const entry of repository.ancestry({ branch }, { signal: options.signal })) {
    const record = recordOf(entry.metadata);
    if (record === undefined) continue;
    if (record.group !== group) others.add(record.group);
    else if (beginning === undefined) {
      sources.unshift(...record.sources);
      if (record.isWhole) beginning = record;
    }
  }
  return { sources, beginning, others: [...others] };
}

/** The same where the history tells all of it. Errors: `NotFound`. */
export async function knownSources(
  repository: Repository,
  branch: string,
  group: string,
  options: StorageOptions,
): Promise<RecordedSources & { readonly beginning: IndexRecord }> {
  const { beginning, ...recorded } = await recordedSources(repository, branch, group, options);
  if (beginning !== undefined) return { ...recorded, beginning };
  throw new MoraineError(
    "NotFound",
    "the history of the repository does not tell the sources of this group",
    {
      source: repository.address,
      path: group,
    },
  );
}

/** What the metadata of a commit say of an index; undefined where the commit is none. */
export function recordOf(metadata: JsonObject): IndexRecord | undefined {
  const json = metadata[KEY];
  if (!isJsonObject(json) || !isJsonArray(json["sources"]) || typeof json["group"] !== "string")
    return undefined;
  const given = isJsonObject(json["options"]) ? json["options"] : {};
  const sources = json["sources"].flatMap((source): KnownSource[] => {
    if (!isJsonObject(source) || typeof source["address"] !== "string") return [];
    const { address, etag, size, last_modified: lastModified } = source;
    return [
      {
        address,
        version: {
          ...(typeof etag === "string" && { etag }),
          ...(typeof size === "number" && { size }),
          ...(typeof lastModified === "number" && { lastModified }),
        },
      },
    ];
  });
  return {
    group: json["group"],
    sources,
    isWhole: json["whole"] === true,
    keeps: json["keeps"] === true,
    options: recordedOptions(given),
    form: typeof json["form"] === "string" ? json["form"] : undefined,
    written: writtenOf(json["written"]),
  };
}

function recordedOptions(json: JsonObject): RecordedOptions {
  const word = <Word extends string>(key: string, allowed: readonly Word[]): Word | undefined =>
    allowed.find((one) => one === json[key]);
  const { concat, load } = json;
  return {
    concat: typeof concat === "string" ? concat : undefined,
    byCoords: json["byCoords"] === true,
    join: word("join", ["outer", "inner", "exact", "override"]),
    drift: word("drift", ["error", "decode", "split"]),
    attributes: word("attributes", ["override", "drop-conflicts", "identical"]),
    compat: word("compat", ["equal", "override"]),
    grid: word("grid", ["auto", "regular"]),
    load: isJsonArray(load) ? load.filter((name) => typeof name === "string") : undefined,
  };
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
