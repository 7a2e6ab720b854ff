/**
 * A selection as it is written on the command line: `time=0,lat=10:20,lon=::-1`.
 *
 * @module
 */

import { type Slice, slice } from "../zarr/selection.ts";
import { UsageError } from "./verb.ts";

/** What is selected along one axis: an index, or a slice. */
export type AxisText = number | Slice;

/**
 * Parses `NAME=INDEX` and `NAME=START:STOP:STEP` parts, separated by commas; parts without a name belong to
 * the axes in order. Names give an object, positions a list.
 */
export function parseSelection(text: string): Record<string, AxisText> | AxisText[] {
  const named: Record<string, AxisText> = {};
  const positional: AxisText[] = [];
  for (const part of text.split(",")) {
    const equals = part.lastIndexOf("=");
    const value = parseAxis(part.slice(equals + 1).trim(), part);
    if (equals < 0) positional.push(value);
    else named[part.slice(0, equals).trim()] = value;
  }
  if (positional.length === 0) return named;
  if (Object.keys(named).length > 0) {
    throw new UsageError(`"${text}" mixes axes with names and without; use one way`);
  }
  return positional;
}

function parseAxis(text: string, part: string): AxisText {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  const bounds = text.split(":");
  if (text === "" || bounds.length > 3 || bounds.some((bound) => !/^([+-]?\d+)?$/.test(bound.trim()))) {
    throw new UsageError(`"${part}" is not a selection; NAME=INDEX and NAME=START:STOP:STEP are`);
  }
  const [start, stop, step] = bounds.map((bound) => (bound.trim() === "" ? null : Number(bound)));
  return slice(start ?? null, stop ?? null, step ?? null);
}
