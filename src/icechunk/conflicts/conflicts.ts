/**
 * What two sets of changes can disagree about, and who decides (names and rules as in Icechunk's
 * `ConflictDetector` and `BasicConflictSolver`).
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { ObjectId } from "../format/identifier.ts";

/** Chunks that a message names. */
const SHOWN = 8;

/** A disagreement between a session's changes and those that were committed before them. */
export type Conflict =
  | { readonly kind: "MoveOperationCannotBeRebased" }
  | {
      readonly kind:
        | "NewNodeConflictsWithExistingNode"
        | "NewNodeInInvalidGroup"
        | "ZarrMetadataDoubleUpdate"
        | "ZarrMetadataUpdateOfDeletedArray"
        | "ZarrMetadataUpdateOfDeletedGroup"
        | "ChunksUpdatedInDeletedArray"
        | "ChunksUpdatedInUpdatedArray"
        | "DeleteOfUpdatedArray"
        | "DeleteOfUpdatedGroup";
      readonly path: string;
    }
  | {
      readonly kind: "ChunkDoubleUpdate";
      readonly path: string;
      /** Grid coordinates of the chunks that both changed. */
      readonly chunks: readonly (readonly number[])[];
    };

/** How a rebase decides. All other conflicts are nobody's to decide, and end it. */
export interface RebasePolicy {
  /** Whose chunk stays where both changed it. Default `"fail"`. */
  readonly onChunkConflict?: "ours" | "theirs" | "fail" | undefined;
  /** Whether deleting an array that others updated fails; else it is deleted. Default true. */
  readonly failOnDeleteOfUpdatedArray?: boolean | undefined;
  /** As above for groups. Default true. */
  readonly failOnDeleteOfUpdatedGroup?: boolean | undefined;
}

/** Errors: `InvalidArgument` for a decision that is none: taken for another one it would cost somebody's chunks. */
export function requirePolicy({ onChunkConflict = "fail" }: RebasePolicy): void {
  if (["ours", "theirs", "fail"].includes(onChunkConflict)) return;
  throw new MoraineError(
    "InvalidArgument",
    `onChunkConflict is "ours", "theirs" or "fail", not ${JSON.stringify(onChunkConflict)}`,
  );
}

/** Decides nothing: any conflict ends the rebase. */
export const CONFLICT_DETECTOR: RebasePolicy = {};
/** Decides as Icechunk's basic solver does when nothing else is said: ours over theirs. */
export const BASIC_CONFLICT_SOLVER: RebasePolicy = {
  onChunkConflict: "ours",
  failOnDeleteOfUpdatedArray: false,
  failOnDeleteOfUpdatedGroup: false,
};

/** A rebase that could not go on; the session stands at the last snapshot that it could follow. */
export class RebaseError extends MoraineError {
  /** The snapshot whose changes are in the way. */
  readonly snapshotId: ObjectId;
  readonly conflicts: readonly Conflict[];

  constructor(snapshotId: ObjectId, conflicts: readonly Conflict[], source: string) {
    const isByChunks = conflicts.every(({ kind }) => kind === "ChunkDoubleUpdate");
    const choices = isByChunks ? `; rebase with onChunkConflict "ours" or "theirs", or begin anew` : "";
    const told = conflicts.map(describe).join("; ");
    super("Conflict", `cannot rebase over ${snapshotId}: ${told}${choices}`, { source });
    this.snapshotId = snapshotId;
    this.conflicts = conflicts;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), snapshot: this.snapshotId, conflicts: this.conflicts };
  }
}

function describe(conflict: Conflict): string {
  if (conflict.kind === "MoveOperationCannotBeRebased") return "nodes were moved";
  const { path } = conflict;
  if (conflict.kind === "ChunkDoubleUpdate") {
    const { chunks } = conflict;
    const shown = chunks.slice(0, SHOWN).map((chunk) => `[${chunk.join(", ")}]`);
    const more = chunks.length > SHOWN ? ` and ${chunks.length - SHOWN} more` : "";
    return `chunks ${shown.join(", ")}${more} of ${path} were changed by both`;
  }
  return {
    NewNodeConflictsWithExistingNode: `${path} was created by both`,
    NewNodeInInvalidGroup: `the new node's place ${path} is no longer a group`,
    ZarrMetadataDoubleUpdate: `the metadata of ${path} were changed by both`,
    ZarrMetadataUpdateOfDeletedArray: `the array ${path} was deleted, and its metadata changed here`,
    ZarrMetadataUpdateOfDeletedGroup: `the group ${path} was deleted, and its metadata changed here`,
    ChunksUpdatedInDeletedArray: `the array ${path} was deleted, and its chunks changed here`,
    ChunksUpdatedInUpdatedArray: `the metadata of ${path} were changed, and its chunks here`,
    DeleteOfUpdatedArray: `the array ${path} was changed, and deleted here`,
    DeleteOfUpdatedGroup: `the group ${path} was changed, and deleted here`,
  }[conflict.kind];
}
