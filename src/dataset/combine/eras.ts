/**
 * Sources by what their arrays must agree in to be parts of one dataset: each such set is an era of the archive.
 *
 * @module
 */

import type { JsonValue } from "../../binary/json.ts";
import type { VirtualArray } from "../../manifest/virtual-group.ts";
import type { ArrayMetadata } from "../../zarr/array-metadata.ts";
import { calendarNamed } from "../cf-time.ts";
import { officialBarrier } from "../official-clients.ts";
import { areNumbers, isTime } from "./common-form.ts";
import type { Contents } from "./contents.ts";
import { agree, driftValue } from "./drift.ts";

/** Kinds of drift that no era has within it. */
const KINDS = ["data type", "dimensions", "packing", "flags", "codecs"] as const;

/** The sources of each era, in the order of their first ones. */
export function splitByEra(contents: readonly Contents[]): Contents[][] {
  const eras = new Map<string, Contents[]>();
  for (const one of contents) {
    const key = eraKey(one.arrays);
    const era = eras.get(key);
    if (era) era.push(one);
    else eras.set(key, [one]);
  }
  return [...eras.values()];
}

/** What must agree for sources to be of one era: all kinds of drift of all their arrays. */
export function eraKey(arrays: ReadonlyMap<string, { readonly metadata: ArrayMetadata }>): string {
  return [...arrays]
    .map(([path, { metadata }]) => {
      const values = KINDS.map((kind) => driftValue(kind, metadata));
      return [path, ...values, unitsOf(metadata)].join("\u0000");
    })
    .sort()
    .join("\u0001");
}

/** Times are re-encoded where their units differ, but never from one calendar to another. */
function unitsOf(metadata: ArrayMetadata): string {
  const { units, calendar } = metadata.attributes;
  return / since /.test(String(units ?? "")) ? calendarOf(calendar) : driftValue("units", metadata);
}

/** Calendars that can be joined have one name. */
function calendarOf(attribute: JsonValue | undefined): string {
  const name = typeof attribute === "string" ? attribute : "standard";
  const calendar = calendarNamed(name) ?? name;
  return calendar === "proleptic_gregorian" ? "standard" : calendar;
}

/** An era that a target holds. */
export interface StoredEra {
  /** Path below the dataset; empty for what lies in it directly. */
  readonly path: string;
  readonly number: number;
  readonly contents: Contents;
}

/** Name of the group of an era. */
export function eraName(number: number): string {
  return `era-${number}`;
}

/** The eras that a dataset holds: its groups of that name, and what lies beside them, which counts as the first. */
export function storedEras(stored: Contents): StoredEra[] {
  const named = [...stored.groups.keys()].flatMap((path): StoredEra[] => {
    const number = Number(/^\/era-(\d+)$/.exec(path)?.[1]);
    return number > 0 ? [{ path, number, contents: below(stored, path) }] : [];
  });
  const isBeside = (path: string): boolean =>
    !named.some((era) => path === era.path || path.startsWith(`${era.path}/`));
  const arrays = filtered(stored.arrays, isBeside);
  if (arrays.size === 0) return named;
  return [
    { path: "", number: 1, contents: { ...stored, arrays, groups: filtered(stored.groups, isBeside) } },
    ...named,
  ];
}

function below(contents: Contents, group: string): Contents {
  const renamed = <Node>(nodes: ReadonlyMap<string, Node>): Map<string, Node> =>
    new Map(
      [...nodes].flatMap(([path, node]): [string, Node][] =>
        path === group || path.startsWith(`${group}/`) ? [[path.slice(group.length) || "/", node]] : [],
      ),
    );
  const { source, groups, arrays, faults } = contents;
  return { source, groups: renamed(groups), arrays: renamed(arrays), faults: renamed(faults) };
}

function filtered<Node>(
  nodes: ReadonlyMap<string, Node>,
  isWanted: (path: string) => boolean,
): Map<string, Node> {
  return new Map([...nodes].filter(([path]) => isWanted(path)));
}

/**
 * Whether a source belongs to an era that is stored already.
 *
 * @param isDecoded whether an array is stored decoded, so that its encoding need not be that of its sources
 */
export function belongsTo(
  { contents }: StoredEra,
  source: Contents,
  isDecoded: (path: string, array: VirtualArray) => boolean,
): boolean {
  return [...contents.arrays].every(([path, { metadata: stored }]) => {
    const array = source.arrays.get(path);
    if (array === undefined) return false;
    const { metadata, barrier } = array;
    const mayDiffer = isDecoded(path, array) || (barrier ?? officialBarrier(metadata)) !== undefined;
    // Times are stored in the type that is there, as checkDrift has it.
    const isOtherTime =
      isTime(stored) && isTime(metadata) && areNumbers([{ metadata }, { metadata: stored }]);
    const kinds = KINDS.filter(
      (kind) => !(mayDiffer && kind === "codecs") && !(isOtherTime && kind === "data type"),
    );
    return kinds.every((kind) => agree(kind, metadata, stored)) && unitsOf(metadata) === unitsOf(stored);
  });
}
