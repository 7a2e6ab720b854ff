/**
 * Checks a snapshot: what `repo` says of it, its nodes and their metadata, and which manifests it lists.
 *
 * @module
 */

import { isMoraineError } from "../../errors.ts";
import { sameShape } from "../../zarr/chunk-grid.ts";
import { boxContains, boxesMeet, boxOfGrid, isEmptyBox } from "../changes/boxes.ts";
import { contentOfDocument } from "../changes/node-content.ts";
import { normalizePath, parentPath } from "../changes/node-path.ts";
import { compareIdentifiers, compareUtf8 } from "../format/order.ts";
import type { RepoInfo } from "../format/repo.ts";
import type { ArrayNode, Snapshot, SnapshotNode } from "../format/snapshot.ts";
import { FOLDERS, type RepositoryFiles } from "../repository-files.ts";
import { requireOrder } from "./check-history.ts";
import type { Findings } from "./fsck.ts";

export function checkSnapshot(
  files: RepositoryFiles,
  info: RepoInfo,
  snapshot: Snapshot,
  findings: Findings,
): void {
  const source = files.addressOf(`${FOLDERS.snapshot}/${snapshot.id}`);
  const fail = (message: string, path?: string): void => findings.error("CorruptFile", message, source, path);
  const known = info.snapshots.get(snapshot.id);
  if (known && known.flushedAt !== snapshot.flushedAt) fail("the history says another time of it");
  if (known && known.message !== snapshot.message) fail("the history says another message of it");
  requireOrder("nodes", [...snapshot.nodes.keys()], compareUtf8, fail);
  requireOrder("manifests", [...snapshot.manifestFiles.keys()], compareIdentifiers, fail);
  const ids = new Map<string, string>();
  const used = new Set<string>();
  for (const [path, node] of snapshot.nodes) {
    const other = ids.get(node.id);
    if (other !== undefined) fail(`this node has the id of ${other}`, path);
    ids.set(node.id, path);
    checkPath(snapshot, path, source, findings);
    checkContent(node, snapshot.specVersion, source, findings);
    if (node.kind !== "array") continue;
    for (const { manifestId } of node.manifests) {
      used.add(manifestId);
      if (!snapshot.manifestFiles.has(manifestId))
        fail(`manifest ${manifestId} is not in the snapshot's list`, path);
    }
    checkExtents(node, fail);
  }
  for (const id of snapshot.manifestFiles.keys()) {
    if (!used.has(id)) fail(`manifest ${id} is listed, but no array uses it`);
  }
}

function checkPath(snapshot: Snapshot, path: string, source: string, findings: Findings): void {
  try {
    if (normalizePath(path) === path) {
      const parent = parentPath(path);
      const node = parent === undefined ? undefined : snapshot.nodes.get(parent);
      if (node?.kind === "array")
        findings.error("CorruptFile", "the parent of this node is an array", source, path);
      if (parent !== undefined && !node) {
        findings.notice("NoParent", "the group above this node has no node of its own", source, path);
      }
      return;
    }
  } catch (error) {
    if (!isMoraineError(error)) throw error;
  }
  findings.error("CorruptFile", "this is no canonical path", source, path);
}

/** Compares a node with its `zarr.json`. */
function checkContent(node: SnapshotNode, specVersion: number, source: string, findings: Findings): void {
  try {
    const content = contentOfDocument(node.userData, source);
    if (content.kind !== node.kind) {
      findings.error("CorruptFile", `this ${node.kind} has the zarr.json of another kind`, source, node.path);
    }
    if (content.kind !== "array" || node.kind !== "array") return;
    if (!sameShape(content.shape, node.shape)) {
      findings.error(
        "CorruptFile",
        `its zarr.json says the shape ${content.shape.join(" × ")}`,
        source,
        node.path,
      );
    }
    // Specification 1 kept the lengths of chunks, which later programs could only estimate.
    if (specVersion > 1 && content.gridShape.some((length, axis) => length > (node.gridShape[axis] ?? 0))) {
      findings.error(
        "CorruptFile",
        `its zarr.json says ${content.gridShape.join(" × ")} chunks`,
        source,
        node.path,
      );
    }
  } catch (error) {
    if (!isMoraineError(error)) throw error;
    findings.error(error.code, `zarr.json: ${error.message}`, source, node.path);
  }
}

/** A chunk is looked for in the first box that has it, so boxes must not meet. */
function checkExtents(node: ArrayNode, fail: (message: string, path?: string) => void): void {
  const grid = boxOfGrid(node.gridShape);
  node.manifests.forEach(({ manifestId, extents }, i) => {
    if (extents.length !== grid.length) {
      fail(`the box of manifest ${manifestId} has not as many axes as the array`, node.path);
    } else if (!boxContains(grid, extents) || isEmptyBox(extents)) {
      fail(`the box of manifest ${manifestId} reaches beyond the grid, or is empty`, node.path);
    }
    for (const other of node.manifests.slice(i + 1)) {
      if (boxesMeet(extents, other.extents)) {
        fail(`the boxes of manifests ${manifestId} and ${other.manifestId} meet`, node.path);
      }
    }
  });
}
