/**
 * Writes what was planned anew of a group: only what differs from what is there.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import { Repository } from "../../icechunk/repository.ts";
import type { Session } from "../../icechunk/session/session.ts";
import { containerPrefixes } from "../index/containers.ts";
import { type IndexRecord, type KnownSource, recordToJson } from "../index/index-record.ts";
import type { IndexPlan } from "../index/plan.ts";
import type { Scan } from "../index/scan.ts";
import { writePlan } from "../index/write.ts";
import { type GroupChange, type GroupUpdate, type GroupUpdateOptions, isJoined } from "./group-change.ts";
import type { Move } from "./moved-chunks.ts";
import { COMMIT, messageOf, recordOf } from "./update-commit.ts";
import { WholeTarget } from "./whole-target.ts";
import type { Written } from "./written-by-others.ts";

/** What was planned anew. */
export interface Anew {
  readonly scan: Scan;
  readonly plan: IndexPlan;
  /** All sources of the group now. */
  readonly sources: readonly KnownSource[];
  /** Paths below which everything is in the plan. */
  readonly roots: readonly string[];
}

/** Writes what differs from what is there. */
export async function writeAnew(
  repository: Repository,
  change: GroupChange,
  written: Written,
  options: GroupUpdateOptions,
  { scan, plan, sources, roots }: Anew,
): Promise<GroupUpdate> {
  const { storage, signal, strict = false } = options;
  const { group, branch, base, fresh, changed, gone, known } = change;
  const manifests = plan.nodes.flatMap((node) => (node.kind === "array" ? (node.references ?? []) : []));
  const config = { virtualChunkContainers: containerPrefixes(manifests).map((urlPrefix) => ({ urlPrefix })) };
  const opened = await Repository.open(storage, repository.address, { signal, config });
  const session = await opened.writableSession(branch, { signal });
  requireBase(session, base);
  const move: Move = {
    before: known.places,
    after: plan.places,
    gone: new Set(gone),
    isStill: !isJoined(known) || changed.length + gone.length + fresh.length < 2,
  };
  const target = new WholeTarget(session, branch, written, new Set([...changed, ...gone]), move);
  const { counts, leftOut } = await writePlan(plan, target, {
    signal,
    strict,
    copies: false,
    onProgress: (current) => scan.progress(current),
  });
  const paths = pathsBelow(session, group, known.others);
  await target.finish(
    paths.filter((path) => roots.some((root) => isWithin(path, root))),
    { signal },
  );
  await opened.saveConfig(config, { signal });
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

/** Paths of a group without those of groups that were indexed by themselves; groups after what they hold. */
function pathsBelow(session: Session, group: string, others: readonly string[]): string[] {
  const foreign = others.filter((other) => other !== group && isWithin(other, group));
  return session
    .paths()
    .filter((path) => path !== group && isWithin(path, group))
    .filter((path) => !foreign.some((other) => isWithin(path, other) || isWithin(other, path)))
    .reverse();
}

function isWithin(path: string, above: string): boolean {
  return above === "/" || path === above || path.startsWith(`${above}/`);
}
