/**
 * How the references of an array are spread over manifests. The grid of chunks is cut into equal cells, which no
 * manifest that is written goes beyond; a commit touches only the cells with its changes.
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../../binary/json.ts";
import type { ArrayNode } from "../format/snapshot.ts";

/** Most references in a manifest where no rule of the configuration says otherwise. */
const REFERENCES_PER_MANIFEST = 16_384;
/** An axis must be so many times longer than the first to be taken for the one that grows. */
const MUCH_LONGER = 32;
const TIME_NAMES = /^(time|t|date|datetime|valid_time|reference_time|init_time|record|step|day|month|year)$/i;

/**
 * Chunks of a cell along each axis.
 *
 * @param splitSizes the configuration's rules; where none applies, cells are cut along the axis that grows, so
 *   that appending rewrites one manifest of bounded size however long the array has become
 */
export function cellShape(node: ArrayNode, splitSizes: JsonValue | undefined): number[] {
  const grid = node.gridShape;
  const sizes = configuredSizes(node, splitSizes);
  if (sizes) return grid.map((length, axis) => Math.max(1, Math.min(sizes[axis] ?? length, length)));
  const growing = growingAxis(node);
  const order = [growing, ...grid.keys()].filter((axis, i, all) => all.indexOf(axis) === i);
  const cell = grid.map((length) => Math.max(length, 1));
  for (const axis of order) {
    const volume = cell.reduce((product, length) => product * length, 1);
    const length = cell[axis] ?? 1;
    if (volume <= REFERENCES_PER_MANIFEST && axis !== growing) break;
    const share = Math.max(1, REFERENCES_PER_MANIFEST / (volume / length));
    // Powers of two nest: when another axis grows, new cells are parts of old ones.
    cell[axis] = 2 ** Math.floor(Math.log2(share));
  }
  return cell;
}

function growingAxis(node: ArrayNode): number {
  const named = node.dimensionNames?.findIndex((name) => name !== null && TIME_NAMES.test(name)) ?? -1;
  if (named >= 0) return named;
  const grid = node.gridShape;
  const longest = grid.indexOf(Math.max(...grid));
  return (grid[longest] ?? 0) > MUCH_LONGER * (grid[0] ?? 0) ? longest : 0;
}

/** Sizes that the first rules for this array give; undefined where no rule is for it. */
function configuredSizes(
  node: ArrayNode,
  splitSizes: JsonValue | undefined,
): (number | undefined)[] | undefined {
  const sizes: (number | undefined)[] = node.gridShape.map(() => undefined);
  let found = false;
  for (const rule of listOf(splitSizes)) {
    const [condition, dimensions] = listOf(rule);
    if (!matchesArray(node, condition)) continue;
    for (const entry of listOf(dimensions)) {
      const { condition: dimension, num_chunks: chunks } = objectOf(entry);
      if (typeof chunks !== "number" || !(chunks >= 1)) continue;
      for (const axis of matchingAxes(node, dimension)) {
        // Once set, an axis keeps its size.
        sizes[axis] ??= chunks;
        found = true;
      }
    }
  }
  return found ? sizes : undefined;
}

function matchesArray(node: ArrayNode, condition: JsonValue | undefined): boolean {
  if (condition === "AnyArray" || condition === "any_array" || condition === "true") return true;
  const { path_matches: path, name_matches: name, and, or } = objectOf(condition);
  if (path !== undefined) return matchesText(node.path, path);
  if (name !== undefined) return matchesText(node.path.slice(node.path.lastIndexOf("/") + 1), name);
  if (and !== undefined) return listOf(and).every((item) => matchesArray(node, item));
  if (or !== undefined) return listOf(or).some((item) => matchesArray(node, item));
  return false;
}

function matchingAxes(node: ArrayNode, condition: JsonValue | undefined): number[] {
  const axes = [...node.gridShape.keys()];
  if (condition === "Any") return axes;
  const { Axis: axis, DimensionName: name } = objectOf(condition);
  if (typeof axis === "number") return axes.filter((item) => item === axis);
  return axes.filter((item) => {
    const dimension = node.dimensionNames?.[item];
    return (
      typeof name === "string" && typeof dimension === "string" && matchesText(dimension, { regex: name })
    );
  });
}

function matchesText(text: string, condition: JsonValue): boolean {
  const { regex } = objectOf(condition);
  if (typeof regex !== "string") return false;
  try {
    return new RegExp(regex, "u").test(text);
  } catch {
    // Written for Rust's engine, and not understood by this one: the rule is passed over.
    return false;
  }
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return isJsonArray(value) ? value : [];
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
