/**
 * How far a virtual dataset reaches: unlimited mappings go as far as their sources do, mappings with a number in the
 * name as far as there are sources, as the library has it by default (`H5D__virtual_set_extent_unlim`, view "last
 * available", no gap).
 *
 * @module
 */

import { MoraineError } from "../../../errors.ts";
import {
  type AxisSelection,
  axisOf,
  endOf,
  type FixedSelection,
  fixedSelection,
  unlimitedAxis,
} from "./axis-selection.ts";
import type { DataspaceSelection, RegularHyperslab } from "./dataspace-selection.ts";
import type { VirtualMapping } from "./mapping.ts";

/** A source that is there. */
export interface MappingSource {
  readonly shape: readonly number[];
}

/** A mapping with an end, of a source that is there. */
export interface FixedMapping<Source extends MappingSource> {
  readonly source: Source;
  readonly from: FixedSelection;
  readonly to: FixedSelection;
}

export interface VirtualExtent<Source extends MappingSource> {
  readonly shape: readonly number[];
  /** In the order in which they are written: later ones win. */
  readonly mappings: readonly FixedMapping<Source>[];
}

/** Gives a source by its file name and path; undefined where it is not there. */
export type SourceFinder<Source> = (file: string, dataset: string) => Promise<Source | undefined>;

/** Sources of one numbered mapping. */
const MAXIMUM_NUMBERED = 100_000;
/** Sources that are opened at a time. */
const SIDE_BY_SIDE = 32;

/**
 * @param stored extent that the dataset was created with
 * Errors: `CorruptFile`, `LimitExceeded`, those of opening a source.
 */
export async function resolveExtent<Source extends MappingSource>(
  mappings: readonly VirtualMapping[],
  stored: readonly number[],
  find: SourceFinder<Source>,
): Promise<VirtualExtent<Source>> {
  const resolved: Resolved<Source>[] = [];
  for (let from = 0; from < mappings.length; from += SIDE_BY_SIDE) {
    const some = mappings.slice(from, from + SIDE_BY_SIDE);
    resolved.push(...(await Promise.all(some.map((mapping) => resolveMapping(mapping, stored, find)))));
  }
  const shape = stored.map((length, axis) => {
    const unlimited = resolved.filter((mapping) => mapping.axis === axis);
    if (unlimited.length === 0) return length;
    // Mappings with an end are part of the extent whether their sources are there or not.
    return Math.max(
      ...unlimited.map((mapping) => mapping.reach),
      ...resolved.map((mapping) => (mapping.axis === axis ? 0 : (mapping.ends[axis] ?? 0))),
    );
  });
  return { shape, mappings: resolved.flatMap((mapping) => mapping.fixed) };
}

interface Resolved<Source extends MappingSource> {
  /** The unlimited axis, or -1. */
  readonly axis: number;
  /** How far it reaches along that axis. */
  readonly reach: number;
  /** How far it reaches along the others. */
  readonly ends: readonly number[];
  readonly fixed: readonly FixedMapping<Source>[];
}

async function resolveMapping<Source extends MappingSource>(
  { file, dataset, source: from, virtual: to }: VirtualMapping,
  stored: readonly number[],
  find: SourceFinder<Source>,
): Promise<Resolved<Source>> {
  const axis = unlimitedAxis(to);
  const plain = (name: string): string => name.replaceAll("%%", "%");
  if (axis < 0 || to.kind !== "hyperslab") {
    const target = fixedSelection(to, stored);
    const ends = target.kind === "axes" ? target.axes.map(endOf) : stored;
    const source = await find(plain(file), plain(dataset));
    const fixed = source ? [{ source, from: fixedSelection(from, source.shape), to: target }] : [];
    return { axis: -1, reach: 0, ends, fixed };
  }
  if (to.start.length !== stored.length) throw new MoraineError("CorruptFile", "a selection of another rank");
  const ends = stored.map((_, other) => (other === axis ? 0 : endOf(axisOf(to, other))));
  const sourceAxis = unlimitedAxis(from);
  if (sourceAxis < 0) return { axis, ends, ...(await numbered(file, dataset, from, to, axis, find)) };
  const source = await find(plain(file), plain(dataset));
  if (!source || from.kind !== "hyperslab") return { axis, reach: 0, ends, fixed: [] };
  const slices = slicesWithin(from, sourceAxis, source.shape[sourceAxis] ?? 0);
  const along = limitedAxis(to, axis, slices);
  return {
    axis,
    ends,
    reach: slices === 0 ? 0 : endOf(along),
    fixed: [
      {
        source,
        from: withAxis(from, sourceAxis, limitedAxis(from, sourceAxis, slices)),
        to: withAxis(to, axis, along),
      },
    ],
  };
}

/** Mappings to sources of which a number is part of the name, from 0 on. */
async function numbered<Source extends MappingSource>(
  file: string,
  dataset: string,
  from: DataspaceSelection,
  to: RegularHyperslab,
  axis: number,
  find: SourceFinder<Source>,
): Promise<Pick<Resolved<Source>, "reach" | "fixed">> {
  const name = (pattern: string, number: number): string =>
    pattern.replace(/%[%b]/g, (code) => (code === "%b" ? String(number) : "%"));
  const isNumbered = /%b/.test(`${file} ${dataset}`.replaceAll("%%", ""));
  const fixed: FixedMapping<Source>[] = [];
  const stride = to.stride[axis] ?? 1;
  const block = to.block[axis] ?? 1;
  let reach = 0;
  for (let number = 0; ; number++) {
    if (number >= MAXIMUM_NUMBERED) {
      throw new MoraineError("LimitExceeded", `more than ${MAXIMUM_NUMBERED} sources of a virtual dataset`);
    }
    const source = await find(name(file, number), name(dataset, number));
    if (!source) break;
    const along = { start: (to.start[axis] ?? 0) + number * stride, stride: block, block, length: block };
    fixed.push({ source, from: fixedSelection(from, source.shape), to: withAxis(to, axis, along) });
    reach = endOf(along);
    if (!isNumbered) break;
  }
  return { reach, fixed };
}

/** How many indices an unlimited selection has below `extent`. */
function slicesWithin({ start, stride, block }: RegularHyperslab, axis: number, extent: number): number {
  const [first, step, length] = [start[axis] ?? 0, stride[axis] ?? 1, block[axis]];
  if (extent <= first) return 0;
  if (length === undefined || length === step) return extent - first;
  const blocks = Math.ceil((extent - first) / step);
  const last = extent - (first + step * (blocks - 1));
  return length * blocks - Math.max(0, length - last);
}

/** An unlimited axis with so many indices. */
function limitedAxis(
  { start, stride, block }: RegularHyperslab,
  axis: number,
  slices: number,
): AxisSelection {
  const length = block[axis] ?? Math.max(slices, 1);
  return {
    start: start[axis] ?? 0,
    stride: block[axis] === undefined ? length : (stride[axis] ?? 1),
    block: length,
    length: slices,
  };
}

function withAxis(selection: RegularHyperslab, axis: number, along: AxisSelection): FixedSelection {
  const axes = selection.start.map((_, other) => (other === axis ? along : axisOf(selection, other)));
  return { kind: "axes", axes };
}
