/**
 * Brings a group of a repository up to date with its sources, in one commit.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { Repository } from "../../icechunk/repository.ts";
import type { Session } from "../../icechunk/session/session.ts";
import { containerPrefixes } from "../index/containers.ts";
import { type IndexRecord, type KnownSource, recordToJson } from "../index/index-record.ts";
import { versionsOf } from "../index/known-sources.ts";
import type { IndexingOptions } from "../index/options.ts";
import type { IndexPlan } from "../index/plan.ts";
import { planInForm } from "../index/plan-form.ts";
import { RepositoryTarget } from "../index/repository-target.ts";
import { Scan } from "../index/scan.ts";
import type { ChangedArray, Note } from "../index/summary.ts";
import type { Committed } from "../index/target.ts";
import { writePlan } from "../index/write.ts";
import type { WrittenCounts } from "../index/written-counts.ts";
import { listed } from "../listed-names.ts";
import { openSource } from "../open.ts";
import { changesForm } from "../storage-form.ts";
import type { GroupChange } from "./group-change.ts";
import { mayStayInPlace, planInPlace } from "./in-place.ts";
import type { Move } from "./moved-chunks.ts";
import { WholeTarget } from "./whole-target.ts";
import { type Written, writtenByOthers } from "./written-by-others.ts";

/** What was done. */
export interface GroupUpdate {
  readonly committed: Committed;
  readonly plan: IndexPlan;
  /** Sources that were looked into. */
  readonly scanned: readonly string[];
  readonly counts: WrittenCounts;
  /** Chunks that were set or deleted. */
  readonly chunks: number;
  readonly leftOut: readonly ChangedArray[];
  readonly notes: readonly Note[];
}

export interface GroupUpdateOptions extends IndexingOptions {
  /** Whether other threads may reach the sources too. */
  readonly mayThread?: boolean | undefined;
}

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
    (await updateWhole(repository, change, written, chosen))
  );
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

const COMMIT = { allowEmpty: true, rebase: true };

async function updateWhole(
  repository: Repository,
  change: GroupChange,
  written: Written,
  options: GroupUpdateOptions,
): Promise<GroupUpdate> {
  const { storage, signal, strict = false } = options;
  const { group, branch, base, present, fresh, changed, gone, known } = change;
  const scan = new Scan([...present, ...fresh], options, options.mayThread);
  const plan = await planInForm(await scan.plan(repository.address, undefined), options, options);
  const manifests = plan.nodes.flatMap((node) => (node.kind === "array" ? (node.references ?? []) : []));
  const config = { virtualChunkContainers: containerPrefixes(manifests).map((urlPrefix) => ({ urlPrefix })) };
  const opened = await Repository.open(storage, repository.address, { signal, config });
  const session = await opened.writableSession(branch, { signal });
  requireBase(session, base);
  const { concat, byCoords } = known.beginning.options;
  const isJoined = concat !== undefined || byCoords === true || (known.places?.dimensions.length ?? 0) > 0;
  const move: Move = {
    before: known.places,
    after: plan.places,
    gone: new Set(gone),
    isStill: !isJoined || changed.length + gone.length + fresh.length < 2,
  };
  const target = new WholeTarget(session, branch, written, new Set([...changed, ...gone]), move);
  const { counts, leftOut } = await writePlan(plan, target, {
    signal,
    strict,
    copies: false,
    onProgress: (current) => scan.progress(current),
  });
  await target.finish(pathsBelow(session, group, known.others), { signal });
  await opened.saveConfig(config, { signal });
  const sources = await versionsOf(scan.indexed, plan, storage, { signal });
  const record: IndexRecord = {
    ...recordOf(change, options, sources, { counts, leftOut }),
    dimensions: plan.places?.dimensions,
    carried: target.carried,
  };
  const committed = await target.commit(messageOf(change, options), {
    ...COMMIT,
    signal,
    metadata: recordToJson(record),
  });
  return {
    committed,
    plan,
    scanned: scan.addresses,
    counts,
    chunks: target.chunks,
    leftOut: [...scan.failed, ...leftOut],
    notes: target.notes,
  };
}

function requireBase(session: Session, base: string): void {
  if (session.snapshotId === base) return;
  throw new MoraineError("Conflict", "others committed while the sources were scanned; try again", {
    source: session.address,
  });
}

function recordOf(
  { group, known }: GroupChange,
  { drift, chunks, shards, recompress }: GroupUpdateOptions,
  sources: readonly KnownSource[],
  written: IndexRecord["written"],
): IndexRecord {
  const { form, options } = known.beginning;
  const isFormed = changesForm({ chunks, shards, recompress });
  return {
    form: isFormed ? JSON.stringify({ chunks, shards, recompress }) : form,
    group,
    isWhole: true,
    keeps: true,
    sources,
    dimensions: known.places?.dimensions,
    options: { ...options, drift },
    written,
  };
}

function messageOf({ changed, gone, fresh }: GroupChange, { message }: GroupUpdateOptions): string {
  if (message !== undefined) return message;
  const parts = [
    ["indexed anew", changed],
    ["removed", gone],
    ["added", fresh],
  ] as const;
  return parts
    .filter(([, sources]) => sources.length > 0)
    .map(([word, sources]) => `${word}: ${listed(sources)}`)
    .join("; ");
}

/** Paths of a group without those of groups that were indexed by themselves; groups after what they hold. */
function pathsBelow(session: Session, group: string, others: readonly string[]): string[] {
  const isIn = (path: string, above: string): boolean =>
    above === "/" || path === above || path.startsWith(`${above}/`);
  const foreign = others.filter((other) => other !== group && isIn(other, group));
  return session
    .paths()
    .filter((path) => path !== group && isIn(path, group))
    .filter((path) => !foreign.some((other) => isIn(path, other) || isIn(other, path)))
    .reverse();
}
