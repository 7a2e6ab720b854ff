/**
 * Brings a group of a repository up to date with its sources, in one commit.
 *
 * @module
 */

import type { Repository } from "../../icechunk/repository.ts";
import { groupNames } from "../index/group-names.ts";
import { type KnownSource, recordToJson } from "../index/index-record.ts";
import { versionsOf } from "../index/known-sources.ts";
import type { IndexPlan } from "../index/plan.ts";
import { planInForm } from "../index/plan-form.ts";
import { RepositoryTarget } from "../index/repository-target.ts";
import { Scan } from "../index/scan.ts";
import { writePlan } from "../index/write.ts";
import { openSource } from "../open.ts";
import { changesForm } from "../storage-form.ts";
import { type GroupChange, type GroupUpdate, type GroupUpdateOptions, isJoined } from "./group-change.ts";
import { mayStayInPlace, planInPlace } from "./in-place.ts";
import { COMMIT, messageOf, recordOf } from "./update-commit.ts";
import { writeAnew } from "./write-anew.ts";
import { type Written, writtenByOthers } from "./written-by-others.ts";

/**
 * Indexes anew what changed of a group, removes what went and adds what is new. Where sources that changed stand where
 * they stood, only they are looked at, and only manifests with chunks of them are written; else the whole group is
 * planned anew. What others wrote since stays in both cases, and moves along with its sources.
 *
 * Errors: those of sources; `Incompatible` where sources no longer fit together, or what others wrote has no place any
 * more; `Conflict` where others committed meanwhile what does not go together.
 */
export async function updateGroup(
  repository: Repository,
  change: GroupChange,
  options: GroupUpdateOptions,
): Promise<GroupUpdate> {
  const { group, base, known } = change;
  const { signal } = options;
  const { options: first } = known.beginning;
  const chosen: GroupUpdateOptions = {
    ...options,
    ...first,
    drift: options.drift ?? first.drift,
    append: undefined,
    group,
  };
  const written = await writtenByOthers(repository, base, group, { signal });
  return (
    (await updateInPlace(repository, change, written, chosen)) ??
    (await updateMembers(repository, change, written, chosen)) ??
    (await updateWhole(repository, change, written, chosen))
  );
}

/** Sources that are groups by themselves: only those that changed are looked at. */
async function updateMembers(
  repository: Repository,
  change: GroupChange,
  written: Written,
  options: GroupUpdateOptions,
): Promise<GroupUpdate | undefined> {
  const { known, present, changed, gone, fresh } = change;
  const addresses = known.sources.map(({ address }) => address);
  const all = [...present, ...fresh];
  const pathsOf = (sources: readonly string[]): Map<string, string> => {
    const above = change.group === "/" ? "" : change.group;
    const names = groupNames(sources);
    return new Map(sources.map((address, at) => [address, `${above}/${names[at] ?? ""}`]));
  };
  const [before, after] = [pathsOf(addresses), pathsOf(all)];
  const isTree = !isJoined(known) && addresses.length > 1 && all.length > 1;
  const isSame = present.every((address) => before.get(address) === after.get(address));
  const isOwn = changed.every((address) => before.has(address));
  if (!isTree || !isSame || !isOwn || changesForm(options)) return undefined;
  const scan = new Scan([...changed, ...fresh], options, options.mayThread);
  const plan = await scan.planEach((position) => after.get(scan.addresses[position] ?? "") ?? "");
  const roots = [...changed, ...gone].map((address) => before.get(address) ?? "");
  const anew = new Map((await sourcesOf(scan, plan, options)).map((source) => [source.address, source]));
  const isLeft = ({ address }: KnownSource): boolean => !gone.includes(address) && !changed.includes(address);
  const sources = all.flatMap((address) => {
    const found = known.sources.find((source) => source.address === address);
    return anew.get(address) ?? (found !== undefined && isLeft(found) ? [found] : []);
  });
  return await writeAnew(repository, change, written, options, { scan, plan, sources, roots });
}

async function sourcesOf(
  scan: Scan,
  plan: IndexPlan,
  { storage, signal }: GroupUpdateOptions,
): Promise<KnownSource[]> {
  return await versionsOf(scan.indexed, plan, storage, { signal });
}

async function updateInPlace(
  repository: Repository,
  change: GroupChange,
  written: Written,
  options: GroupUpdateOptions,
): Promise<GroupUpdate | undefined> {
  const { storage, signal, strict = false } = options;
  const { address } = repository;
  const { planOptions } = new Scan([], options);
  if (changesForm(options) || !mayStayInPlace(change, planOptions)) return undefined;
  const existing = await openSource(address, { ...options, ref: change.base });
  const open = (addresses: readonly string[]): Scan => new Scan(addresses, options, options.mayThread);
  const planned = await planInPlace(existing, change, written, open, planOptions);
  if (planned === undefined) return undefined;
  const { plan, scan } = planned;
  const target = await RepositoryTarget.open(address, plan, {
    ...options,
    branch: change.branch,
    base: change.base,
    updates: true,
  });
  const { counts, leftOut } = await writePlan(plan, target, {
    signal,
    strict,
    copies: false,
    onProgress: (current) => scan.progress(current),
  });
  const anew = new Map(
    (await versionsOf([...change.changed, ...change.fresh], plan, storage, { signal })).map((source) => [
      source.address,
      source,
    ]),
  );
  const sources = [...change.known.sources.map((source) => anew.get(source.address) ?? source)];
  for (const address of change.fresh) sources.push(anew.get(address) ?? { address, version: {} });
  const record = recordOf(change, options, sources, { counts, leftOut });
  const committed = await target.commit(messageOf(change, options), {
    ...COMMIT,
    signal,
    metadata: recordToJson(record),
  });
  const chunks = counts.virtual + counts.native + counts.inline;
  return { committed, plan, scanned: scan.indexed, counts, chunks, leftOut, notes: [] };
}

async function updateWhole(
  repository: Repository,
  change: GroupChange,
  written: Written,
  options: GroupUpdateOptions,
): Promise<GroupUpdate> {
  const scan = new Scan([...change.present, ...change.fresh], options, options.mayThread);
  const plan = await planInForm(await scan.plan(repository.address, undefined), options, options);
  const sources = await sourcesOf(scan, plan, options);
  return await writeAnew(repository, change, written, options, { scan, plan, sources, roots: ["/"] });
}
