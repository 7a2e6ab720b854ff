/**
 * How many files become one dataset.
 *
 * @module
 */

import type { JoinPolicy } from "../../manifest/join-plan.ts";
import type { PlanOptions } from "../index/plan.ts";

/** Which arrays are taken where not every source has all. */
export type VariableJoin =
  /** Every array that a source has; where it is missing it reads as its `_FillValue`. */
  | "outer"
  /** Only arrays that all sources have. */
  | "inner"
  /** A source without an array that others have is an error. */
  | "exact"
  /** The arrays of the first source. */
  | "override";

/** What is done with arrays whose encoding, packing or units differ between sources. */
export type DriftRule =
  /** An error that names the sources. */
  | "error"
  /**
   * Chunks of another encoding are stored decoded in the one that most elements have, and so are arrays with another order
   * of dimensions or mark of missing values; numbers of another type in one that holds all of them exactly; arrays that are
   * packed differently unpacked, whole. What is appended is stored in the
   * encoding, type and packing that are there. What cannot be exactly is an error.
   */
  | "decode"
  /** Sources that agree become one group each; what is appended goes into the group that it agrees with. */
  | "split";

/** How attributes of groups and arrays that differ become one set. */
export type AttributeRule =
  /** Those of the first source. */
  | "override"
  /** Those that are the same wherever they are. */
  | "drop-conflicts"
  /** A difference is an error. */
  | "identical";

export interface CombineOptions {
  /** Dimension along which sources follow each other in the order given; a new one where none has it. */
  readonly concat?: string | undefined;
  /** Order and place by the values of one-dimensional coordinates, along one or several dimensions. */
  readonly byCoords?: boolean | undefined;
  /** Default `"outer"`. */
  readonly join?: VariableJoin | undefined;
  /** Default `"error"`. */
  readonly drift?: DriftRule | undefined;
  /** Default `"override"`. */
  readonly attributes?: AttributeRule | undefined;
  /**
   * Arrays without the dimension: compared (`"equal"`, the default; a difference is an error) or taken from the
   * first source unseen.
   */
  readonly compat?: "equal" | "override" | undefined;
  /** `"regular"`: no rectilinear grids, which many readers do not know yet. Default `"auto"`. */
  readonly grid?: JoinPolicy["grid"] | undefined;
  /**
   * Paths of arrays that are stored decoded in large chunks. Default: one-dimensional arrays named as their
   * dimension.
   */
  readonly load?: readonly string[] | undefined;
  /**
   * Chunks of an array up to which all its references are held. Those of a larger one whose sources follow each other in
   * whole chunks are put together in parts while they are written. Default 4,194,304, about 80 MiB.
   */
  readonly heldChunks?: number | undefined;
}

export type CombinePlanOptions = CombineOptions & PlanOptions;
