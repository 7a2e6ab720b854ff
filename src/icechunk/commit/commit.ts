/**
 * Makes a snapshot of a session's changes. Nothing that exists is touched before the last step, so that a commit
 * that is cut off leaves the repository as it was: chunks, then manifests, then snapshot and transaction log,
 * and at last the `repo` file that leads to them.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { MoraineError } from "../../errors.ts";
import type { StorageOptions, Version } from "../../storage/storage.ts";
import type { ChangeSet } from "../changes/change-set.ts";
import { ChunkChanges } from "../changes/chunk-changes.ts";
import { microsecondsNow } from "../clock.ts";
import type { RepositoryConfig } from "../configuration.ts";
import { SPEC_VERSION } from "../format/envelope.ts";
import { type ObjectId, randomObjectId } from "../format/identifier.ts";
import { encodeMetadata } from "../format/metadata.ts";
import type { SnapshotInfo } from "../format/repo.ts";
import type { ArrayNode, ManifestFileInfo, Snapshot, SnapshotNode } from "../format/snapshot.ts";
import { writeSnapshot } from "../format/snapshot-writer.ts";
import { writeTransactionLog } from "../format/transaction-log.ts";
import { DEFAULT_COMPRESSION_LEVEL } from "../repo-update.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import type { CommitLogs } from "./commit-logs.ts";
import { ManifestWriter } from "./commit-manifests.ts";
import { planArray } from "./manifest-plan.ts";

/** Coordinates that count up: a higher level takes longer and saves nothing. */
const LOG_COMPRESSION_LEVEL = 1;
/** How far the clocks of this machine and of the storage may be apart; Icechunk's own limit. */
const CLOCK_TOLERANCE_MS = 600_000;

/** What a snapshot is made of. */
export interface SnapshotPlan {
  readonly base: Snapshot;
  readonly changes: ChangeSet;
  /** The nodes of the base with the changes made. */
  readonly nodes: ReadonlyMap<string, SnapshotNode>;
  readonly logs: CommitLogs;
  readonly message: string;
  readonly metadata: JsonObject;
  /** Whether all references are spread over manifests anew. */
  readonly rewriteManifests?: boolean | undefined;
}

/** Writes everything of a snapshot; the `repo` file does not know of it yet. */
export async function writeSnapshotFiles(
  files: RepositoryFiles,
  plan: SnapshotPlan,
  settings: RepositoryConfig,
  options: StorageOptions = {},
): Promise<Omit<SnapshotInfo, "parentId">> {
  const level = settings.compressionLevel ?? DEFAULT_COMPRESSION_LEVEL;
  const { nodes, manifestFiles } = await writeManifests(files, plan, settings, level, options);
  const logLevel = settings.compressionLevel ?? LOG_COMPRESSION_LEVEL;
  const prunedAncestorLogs: ObjectId[] = [];
  for (const further of plan.logs.further) {
    const logId = randomObjectId();
    const bytes = await writeTransactionLog(logId, further, logLevel);
    await files.write(`${FOLDERS.transactionLog}/${logId}`, bytes, { ...options, fresh: true });
    prunedAncestorLogs.push(logId);
  }
  const id = randomObjectId();
  const flushedAt = microsecondsNow(plan.base.flushedAt);
  const metadata = encodeMetadata(plan.metadata);
  const { message } = plan;
  const made: Snapshot = {
    specVersion: SPEC_VERSION,
    id,
    flushedAt,
    message,
    metadata,
    nodes,
    manifestFiles,
  };
  const [snapshot, log] = await Promise.all([
    writeSnapshot(made, level),
    writeTransactionLog(id, plan.logs.own, logLevel),
  ]);
  const [version] = await Promise.all([
    files.write(`${FOLDERS.snapshot}/${id}`, snapshot, { ...options, fresh: true }),
    files.write(`${FOLDERS.transactionLog}/${id}`, log, { ...options, fresh: true }),
  ]);
  requireSameClock(files, version, flushedAt);
  files.rememberSnapshot(made);
  return { id, flushedAt, message, metadata, prunedAncestorLogs };
}

async function writeManifests(
  files: RepositoryFiles,
  plan: SnapshotPlan,
  settings: RepositoryConfig,
  level: number,
  options: StorageOptions,
): Promise<{ nodes: Map<string, SnapshotNode>; manifestFiles: Map<ObjectId, ManifestFileInfo> }> {
  const { base, changes } = plan;
  const known = changes.knownManifests(base);
  const writer = new ManifestWriter(files, level, options);
  const kept = new Map<string, ArrayNode["manifests"]>();
  for (const [path, node] of plan.nodes) {
    if (node.kind !== "array") continue;
    let own = changes.chunks.get(node.id);
    if (!own && plan.rewriteManifests) own = new ChunkChanges(node.gridShape);
    if (!own) continue;
    const all = plan.rewriteManifests ?? false;
    const planned = await planArray(
      files,
      known,
      node,
      own,
      { splitSizes: settings.splitSizes, all },
      options,
    );
    kept.set(path, planned.kept);
    await writer.add(planned.pieces);
  }
  const written = await writer.finish();
  const nodes = new Map(plan.nodes);
  const manifestFiles = new Map<ObjectId, ManifestFileInfo>();
  for (const [path, node] of plan.nodes) {
    if (node.kind !== "array") continue;
    const keptParts = kept.get(path);
    const manifests = keptParts ? [...keptParts, ...(written.parts.get(node.id) ?? [])] : node.manifests;
    if (keptParts) nodes.set(path, { ...node, manifests });
    for (const { manifestId } of manifests) {
      const file = written.files.get(manifestId) ?? known.manifestFiles.get(manifestId);
      if (!file) {
        throw new MoraineError("CorruptFile", `manifest ${manifestId} is not in the snapshot's list`, {
          source: files.addressOf(`${FOLDERS.snapshot}/${base.id}`),
          path,
        });
      }
      manifestFiles.set(manifestId, file);
    }
  }
  return { nodes, manifestFiles };
}

/** Others judge by these times what is old enough to be collected. */
function requireSameClock(files: RepositoryFiles, version: Version, flushedAt: number): void {
  const { lastModified } = version;
  if (lastModified === undefined) return;
  const difference = Math.abs(lastModified - flushedAt / 1000);
  if (difference > CLOCK_TOLERANCE_MS) {
    throw new MoraineError(
      "StorageFailed",
      `the clock of this machine and that of the storage are ${Math.round(difference / 1000)} s apart; ` +
        "a snapshot needs them within 600 s",
      { source: files.address },
    );
  }
}
