/**
 * Snapshots by name and time, and the way from one to those before it.
 *
 * @module
 */

import type { JsonObject } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { microsecondsOf } from "./clock.ts";
import { SPEC_VERSION } from "./format/envelope.ts";
import {
  decodeIdentifier,
  encodeIdentifier,
  isObjectId,
  OBJECT_ID_BYTES,
  type ObjectId,
} from "./format/identifier.ts";
import { decodeMetadata } from "./format/metadata.ts";
import type { RepoInfo, SnapshotInfo } from "./format/repo.ts";
import { branchTip, MAIN_BRANCH, requireSnapshot, tagTarget } from "./refs.ts";

/** A snapshot by its branch, tag or id. At most one is named; the branch main where none is. */
export interface SnapshotRef {
  readonly branch?: string | undefined;
  readonly tag?: string | undefined;
  readonly snapshotId?: ObjectId | undefined;
}

/** A snapshot, or the newest one of a branch that was there at a time. */
export interface Ref extends SnapshotRef {
  readonly asOf?: Date | undefined;
}

/** A snapshot in the history. */
export interface HistoryEntry {
  readonly id: ObjectId;
  readonly parentId: ObjectId | undefined;
  readonly time: Date;
  /** Microseconds since 1970. */
  readonly flushedAt: number;
  readonly message: string;
  readonly metadata: JsonObject;
}

const REF_NAMES: readonly string[] = ["branch", "tag", "snapshotId", "asOf"] satisfies (keyof Ref)[];

/** What says nothing of these would be taken for main. Errors: `InvalidArgument`. */
function requireRef(ref: unknown): void {
  const isObject = typeof ref === "object" && ref !== null;
  const unknown = isObject ? Object.keys(ref).find((name) => !REF_NAMES.includes(name)) : JSON.stringify(ref);
  if (isObject && unknown === undefined) return;
  throw new MoraineError(
    "InvalidArgument",
    `a ref is named by { ${REF_NAMES.join(" | ")} }, not by ${unknown}`,
  );
}

/** Errors: `NotFound`; `InvalidArgument` where several are named, or nothing that is known. */
export function resolveRef(info: RepoInfo, ref: Ref, source: string): ObjectId {
  requireRef(ref);
  const { branch, tag, snapshotId, asOf } = ref;
  if ([branch, tag, snapshotId].filter((item) => item !== undefined).length > 1) {
    throw new MoraineError("InvalidArgument", "only one of branch, tag and snapshot can be named", {
      source,
    });
  }
  if (asOf !== undefined) {
    if (tag !== undefined || snapshotId !== undefined) {
      throw new MoraineError("InvalidArgument", "a time needs a branch, whose history it chooses from", {
        source,
      });
    }
    return snapshotAt(info, branchTip(info, branch ?? MAIN_BRANCH), asOf, source);
  }
  if (tag !== undefined) return tagTarget(info, tag);
  if (snapshotId === undefined) return branchTip(info, branch ?? MAIN_BRANCH);
  const id = resolvedId(snapshotId);
  requireSnapshot(info, id);
  return id;
}

/** What a name stands for: a branch, a tag or a snapshot, in this order. Errors: `NotFound`. */
export function refNamed(info: RepoInfo, name: string, source: string): SnapshotRef {
  if (info.branches.has(name)) return { branch: name };
  if (info.tags.has(name)) return { tag: name };
  if (isObjectId(name) && info.snapshots.has(resolvedId(name))) return { snapshotId: resolvedId(name) };
  throw new MoraineError("NotFound", `there is no branch, tag or snapshot "${name}"`, { source });
}

/** The canonical text of an identifier, which people may misspell in Crockford's ways. */
function resolvedId(text: string): ObjectId {
  return encodeIdentifier(decodeIdentifier(text, OBJECT_ID_BYTES));
}

function snapshotAt(info: RepoInfo, tip: ObjectId, time: Date, source: string): ObjectId {
  const limit = microsecondsOf(time);
  for (const snapshot of chainOf(info, tip, source)) if (snapshot.flushedAt <= limit) return snapshot.id;
  throw new MoraineError("NotFound", `the branch has no snapshot from before ${time.toISOString()}`, {
    source,
  });
}

/** A snapshot and those before it. Errors: `CorruptFile` for a history that turns in a circle. */
export function* chainOf(
  info: Pick<RepoInfo, "snapshots">,
  tip: ObjectId,
  source: string,
): Generator<SnapshotInfo, void, undefined> {
  let steps = 0;
  for (let id: ObjectId | undefined = tip; id !== undefined; ) {
    const snapshot = info.snapshots.get(id);
    if (!snapshot) throw new MoraineError("CorruptFile", `the history has no snapshot ${id}`, { source });
    if (++steps > info.snapshots.size) {
      throw new MoraineError("CorruptFile", `the history before ${tip} turns in a circle`, { source });
    }
    yield snapshot;
    id = snapshot.parentId;
  }
}

export function* ancestryOf(
  info: RepoInfo,
  tip: ObjectId,
  source: string,
): Generator<HistoryEntry, void, undefined> {
  for (const snapshot of chainOf(info, tip, source)) yield entryOf(snapshot, source);
}

/** A snapshot as it is told. Errors: `CorruptFile` for its metadata. */
export function entryOf(snapshot: SnapshotInfo, source: string): HistoryEntry {
  const { id, parentId, flushedAt, message, metadata } = snapshot;
  const time = new Date(flushedAt / 1000);
  return { id, parentId, time, flushedAt, message, metadata: decodeMetadata(metadata, SPEC_VERSION, source) };
}
