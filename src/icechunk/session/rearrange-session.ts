/**
 * Sessions that move nodes and do nothing else: moves and edits do not mix in one commit (Icechunk, "Move
 * operations").
 *
 * @module
 */

import { CommittingSession } from "./committing-session.ts";

/**
 * Gives groups and arrays other paths. Chunks and identities stay, so that a move costs nothing.
 *
 * @example
 * const session = await repository.rearrangeSession("main");
 * session.move("/raw/sst", "/sst");
 * await session.commit("sst where people look for it");
 */
export class RearrangeSession extends CommittingSession {
  /**
   * Moves a node and all below it.
   *
   * Errors: `NotFound` where nothing is, or the new place is in no group; `AlreadyExists` where something is;
   * `InvalidArgument` for the root or a place below the node itself; `ReadOnly`.
   */
  move(from: string, to: string): void {
    this.requireWritable();
    this.context.tree.move(from, to);
  }
}
