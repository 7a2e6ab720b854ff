/**
 * Brings a repository up to date with the files that it refers to: indexes anew what changed, or keeps the last native
 * copy of what went.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { StorageRouter } from "../../storage/router.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import { recordOf } from "../index/index-record.ts";
import { knownSources } from "../index/known-sources.ts";
import type { Note } from "../index/summary.ts";
import { listed } from "../listed-names.ts";
import { addressOf } from "../open.ts";
import { type AddressedRepositoryOptions, Repository } from "../repository.ts";
import type { GroupChange } from "../update/group-change.ts";
import { updateGroup } from "../update/update-group.ts";
import type { CampaignOptions, CampaignSummary } from "./commit-batches.ts";
import { pin } from "./pin.ts";
import { type StaleSource, staleSources } from "./stale-sources.ts";

/** Attempts to bring a group up to date while others commit. */
const ATTEMPTS = 3;

/** Which sources are looked at, and what is done about those that changed or went. */
export interface RefreshOptions extends AddressedRepositoryOptions, Pick<CampaignOptions, "onProgress"> {
  /** Addresses of the sources that are meant. Default: all that changed or went. */
  readonly sources?: readonly string[] | undefined;
  /** Native copies of the chunks that lie in them take the place of the references, instead of an index made anew. */
  readonly pin?: boolean | undefined;
  /**
   * With `pin`: files that are the same, byte for byte, as those that were indexed, from which chunks are copied; the
   * one for each source by its name. Default: the last snapshot in which a chunk was native or inline.
   */
  readonly copies?: readonly string[] | undefined;
  /** With `pin`: branch, tag or snapshot whose native chunks are taken, instead of the last that has them. */
  readonly from?: string | undefined;
  /** Only tells what changed and went. */
  readonly dryRun?: boolean | undefined;
  /** Default main. */
  readonly branch?: string | undefined;
  readonly message?: string | undefined;
}

/** What was found, and done. Chunks that were only deleted count too; bytes are those that were copied. */
export interface RefreshSummary extends CampaignSummary {
  /** Sources that changed or went, with what of the dataset lies in them. */
  readonly stale: readonly StaleSource[];
  /** What stayed as it is, and why. */
  readonly notes: readonly Note[];
}

/**
 * Looks at every file that the references of a branch lead to. Those that changed are indexed anew, in one commit for
 * each group that was indexed by itself: only references of the sources change, what others wrote since (replaced,
 * materialised, edited) stays. With `pin` native copies take the place of the references instead.
 *
 * Errors: `NotFound` for sources that went, where they are not pinned, for chunks that no snapshot has a native copy
 * of, and where the history does not tell how a source was indexed; `Incompatible` where a source has another shape
 * now and parts of it were replaced, and for copies that are none; `Conflict` where others changed the same chunks
 * meanwhile. Nothing is changed then, unless in groups before.
 *
 * @example
 * const { stale } = await refresh("archive.icechunk");
 * await refresh("archive.icechunk", { sources: ["gone.nc"], pin: true, copies: ["/backup/gone.nc"] });
 */
export async function refresh(address: string, options: RefreshOptions = {}): Promise<RefreshSummary> {
  const { branch = "main", signal } = options;
  const storage = options.storage ?? new StorageRouter(options);
  const repository = await Repository.open(address, { ...options, storage });
  const session = await repository.readonlySession({ branch }, { signal });
  const { versions, groups } = await recorded(repository, session.snapshotId, { signal });
  const found = await staleSources(session, versions, storage, { signal });
  const wanted = options.sources?.map(addressOf);
  const stale = wanted ? found.filter(({ source }) => wanted.includes(source)) : found;
  const nothing: RefreshSummary = { stale, commits: [], chunks: 0, bytes: 0, notes: [] };
  if (stale.length === 0 || options.dryRun === true) return nothing;
  if (options.pin === true) {
    const pinned = await pin(repository, session, stale, versions, { ...options, branch, storage });
    return { ...nothing, ...pinned };
  }
  requirePresent(stale);
  const commits: string[] = [];
  const notes: Note[] = [];
  let chunks = 0;
  for (const [group, members] of byGroup(stale, groups)) {
    const made = await inTurn(() => indexAnew(repository, group, members, { ...options, branch, storage }));
    chunks += made.chunks;
    commits.push(made.snapshot);
    notes.push(...made.notes);
    options.onProgress?.({ chunks, bytes: 0 });
  }
  return { ...nothing, commits, chunks, notes };
}

/** The last versions of sources that a history tells, and the groups that were indexed by themselves. */
async function recorded(
  repository: Repository,
  snapshotId: string,
  options: StorageOptions,
): Promise<{ versions: Map<string, Version>; groups: Map<string, string[]> }> {
  const versions = new Map<string, Version>();
  const groups = new Map<string, string[]>();
  const whole = new Set<string>();
  for await (const { metadata } of repository.ancestry({ snapshotId }, options)) {
    const record = recordOf(metadata);
    if (record === undefined || whole.has(record.group)) continue;
    if (record.isWhole) whole.add(record.group);
    const addresses = groups.get(record.group) ?? [];
    groups.set(record.group, addresses);
    for (const { address, version } of record.sources) {
      addresses.push(address);
      if (!versions.has(address)) versions.set(address, version);
    }
  }
  return { versions, groups };
}

function requirePresent(stale: readonly StaleSource[]): void {
  const gone = stale.filter(({ state }) => state === "gone").map(({ source }) => source);
  const [first] = gone;
  if (first === undefined) return;
  throw new MoraineError(
    "NotFound",
    `${listed(gone)} ${gone.length === 1 ? "is" : "are"} gone: put it back, pin the last native copy (--pin), ` +
      "or remove what came from it (index --update)",
    { source: first },
  );
}

/** The groups that sources belong to: those that name them, or the nearest above the arrays that lie in them. */
function byGroup(
  stale: readonly StaleSource[],
  groups: ReadonlyMap<string, readonly string[]>,
): Map<string, StaleSource[]> {
  const members = new Map<string, StaleSource[]>();
  for (const source of stale) {
    const naming = [...groups]
      .filter(([, addresses]) => addresses.includes(source.source))
      .map(([group]) => group);
    const above = source.paths.flatMap((path) => {
      const holding = [...groups.keys()].filter((group) => group === "/" || path.startsWith(`${group}/`));
      return holding.sort((a, b) => b.length - a.length)[0] ?? [];
    });
    const own = new Set(naming.length > 0 ? naming : above);
    if (own.size === 0) {
      throw new MoraineError("NotFound", "the history does not tell how this source was indexed", {
        source: source.source,
        path: source.paths[0],
      });
    }
    for (const group of own) members.set(group, [...(members.get(group) ?? []), source]);
  }
  return members;
}

/** What others commit while sources are looked into is found in another attempt. */
async function inTurn<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0 || !isMoraineError(error, "Conflict")) throw error;
    }
  }
}

async function indexAnew(
  repository: Repository,
  group: string,
  stale: readonly StaleSource[],
  options: RefreshOptions & { readonly branch: string; readonly storage: StorageRouter },
): Promise<{ snapshot: string; chunks: number; notes: readonly Note[] }> {
  const { branch, signal, message, sources: _, ...others } = options;
  const base = await repository.lookupBranch(branch, { signal });
  const known = await knownSources(repository, branch, group, { signal });
  const addresses = known.sources.map(({ address }) => address);
  const stalest = stale.map(({ source }) => source);
  const changed = addresses.filter((address) => stalest.includes(address));
  const change: GroupChange = {
    group,
    branch,
    base,
    known,
    present: addresses,
    // References may lead to files that are no sources by themselves.
    changed: changed.length === stalest.length ? changed : stalest,
    gone: [],
    fresh: [],
  };
  const authorize = options.authorize === "all" ? undefined : options.authorize;
  const { committed, chunks, plan, notes } = await updateGroup(repository, change, {
    ...others,
    branch,
    signal,
    authorize,
    onProgress: undefined,
    message: message ?? `indexed anew: ${listed(stalest)}`,
  });
  return { snapshot: committed.snapshot ?? "", chunks, notes: [...plan.notes, ...notes] };
}
