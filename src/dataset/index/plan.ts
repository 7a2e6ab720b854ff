/**
 * What will be written: the groups and arrays of sources, and what is told of them.
 *
 * @module
 */

import type { JsonObject } from "../../binary/json.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { ChunkSource } from "../../zarr/chunk-source.ts";
import { isNodeName } from "../../zarr/tree.ts";
import { joinPlaces, type Places } from "../combine/places.ts";
import { mapConcurrent } from "../concurrent.ts";
import { faultOf, type OpenedSource, walkSource } from "../source.ts";
import { type ArrayPlan, type PlanArrayOptions, type PlannedArray, planArray } from "./plan-array.ts";
import type { ChangedArray, Note } from "./summary.ts";

export interface GroupPlan {
  readonly kind: "group";
  readonly path: string;
  readonly attributes: JsonObject;
}

/** Everything that will be written, and what is told of it. */
export interface IndexPlan {
  readonly nodes: readonly (GroupPlan | ArrayPlan)[];
  readonly decoded: readonly ChangedArray[];
  readonly leftOut: readonly ChangedArray[];
  readonly notes: readonly Note[];
  /** Where the sources stand, where they become one dataset. */
  readonly places?: Places | undefined;
}

export interface PlanOptions extends PlanArrayOptions {
  /** Arrays that would be left out are an error instead. */
  readonly strict: boolean;
}

/** Arrays whose chunk indexes are read at the same time: each costs round trips of its own. */
const CONCURRENT_ARRAYS = 64;

/**
 * Plans one source as it is.
 *
 * Errors: `InvalidArgument` for a source that is an array by itself; with `strict` the error of an array that would
 * be left out.
 *
 * @param prefix path in the target: empty, or `/name`
 */
export async function planSource(
  source: OpenedSource,
  prefix: string,
  options: PlanOptions,
): Promise<IndexPlan> {
  if (source.root.kind === "array") {
    throw new MoraineError("InvalidArgument", "this is an array by itself; index the group that holds it", {
      source: source.address,
    });
  }
  const tree = await SourceTree.walk(source, prefix, options);
  const planned = await mapConcurrent(
    tree.arrays,
    CONCURRENT_ARRAYS,
    async ({ path, target, array }): Promise<PlannedArray | MoraineError> => {
      try {
        return await planArray(source, path, target, array, options);
      } catch (error) {
        return faultOf(error, source, path);
      }
    },
  );
  const nodes: (GroupPlan | ArrayPlan)[] = [...tree.groups];
  const decoded: ChangedArray[] = [];
  const leftOut: ChangedArray[] = [];
  const notes: Note[] = [...tree.notes];
  const omit = (path: string, error: MoraineError): void => {
    if (options.strict) throw error.at({ source: source.address, path });
    leftOut.push({ source: source.address, path, code: error.code, reason: error.message });
  };
  for (const { path, error } of tree.faults) omit(path, error);
  for (const [position, result] of planned.entries()) {
    const path = tree.arrays[position]?.path ?? "/";
    if (isMoraineError(result)) {
      omit(path, result);
      continue;
    }
    nodes.push(result.plan);
    if (result.changed) decoded.push({ source: source.address, path, ...result.changed });
    for (const note of result.notes) notes.push({ source: source.address, path, note });
  }
  return { nodes, decoded, leftOut, notes };
}

/** The plans of several sources as one. */
export function joinPlans(plans: readonly IndexPlan[]): IndexPlan {
  return {
    nodes: plans.flatMap((plan) => plan.nodes),
    decoded: plans.flatMap((plan) => plan.decoded),
    leftOut: plans.flatMap((plan) => plan.leftOut),
    notes: plans.flatMap((plan) => plan.notes),
    places: joinPlaces(plans.map((plan) => plan.places)),
  };
}

/** The nodes of a source with the paths that they get. */
class SourceTree {
  readonly groups: GroupPlan[] = [];
  readonly arrays: { path: string; target: string; array: VirtualArray }[] = [];
  readonly faults: { path: string; error: MoraineError }[] = [];
  readonly notes: Note[] = [];
  readonly #source: OpenedSource;
  readonly #prefix: string;
  /** The first path of each, by its chunks: its dimensions may have other names elsewhere. */
  readonly #seen = new Map<ChunkSource, string>();

  private constructor(source: OpenedSource, prefix: string) {
    this.#source = source;
    this.#prefix = prefix;
  }

  static async walk(source: OpenedSource, prefix: string, options: PlanOptions): Promise<SourceTree> {
    const tree = new SourceTree(source, prefix);
    for await (const { path, node } of walkSource(source, "/", options)) {
      if (node.kind === "group") {
        tree.groups.push({ kind: "group", path: tree.#target(path), attributes: node.attributes });
        for (const note of node.notes ?? []) tree.#note(path, note);
      } else if (node.hidden === true) {
        tree.#note(path, "a dimension without values of its own: not an array");
      } else if (node.kind === "fault") {
        tree.faults.push({ path, error: node.error });
      } else {
        tree.#array(path, node);
      }
    }
    return tree;
  }

  #array(path: string, array: VirtualArray): void {
    const first = this.#seen.get(array.chunks);
    if (first === undefined) this.#seen.set(array.chunks, path);
    else this.#note(path, `the same array as ${first}`);
    this.arrays.push({ path, target: this.#target(path), array });
  }

  /** The path in the target, with names that Zarr does not have replaced. */
  #target(path: string): string {
    const names = path.split("/").filter(Boolean);
    const renamed = names.map(zarrName);
    const target = `${this.#prefix}${renamed.map((name) => `/${name}`).join("")}` || "/";
    if (renamed.some((name, at) => name !== names[at]))
      this.#note(path, `Zarr readers find no such name: it is ${target}`);
    return target;
  }

  #note(path: string, note: string): void {
    this.notes.push({ source: this.#source.address, path, note });
  }
}

/** A name that nodes may have. zarr-python takes a backslash for a slash, and would not find the array. */
function zarrName(name: string): string {
  const plain = name.replaceAll("\\", "_");
  return isNodeName(plain) ? plain : plain.replaceAll(".", "_");
}
