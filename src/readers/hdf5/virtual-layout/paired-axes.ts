/**
 * Which axes of two selections go together.
 *
 * @module
 */

import type { AxisSelection } from "./axis-selection.ts";

export interface PairedAxes {
  readonly pairs: readonly {
    readonly axis: number;
    readonly to: AxisSelection;
    readonly from: AxisSelection | undefined;
    readonly sourceAxis: number | undefined;
  }[];
  /** The one index of source axes that no virtual axis belongs to. */
  readonly fixed: ReadonlyMap<number, number>;
}

/** Which axis of a source goes along which virtual one; undefined where the shapes differ in more than ones. */
export function pairAxes(
  from: readonly AxisSelection[],
  to: readonly AxisSelection[],
): PairedAxes | undefined {
  const pairs: PairedAxes["pairs"][number][] = [];
  const fixed = new Map<number, number>();
  let sourceAxis = 0;
  for (const [axis, target] of to.entries()) {
    let along = from[sourceAxis];
    while (along && along.length !== target.length && along.length === 1) {
      fixed.set(sourceAxis, along.start);
      along = from[++sourceAxis];
    }
    if (along && along.length === target.length) {
      pairs.push({ axis, to: target, from: along, sourceAxis });
      sourceAxis += 1;
    } else if (target.length === 1) pairs.push({ axis, to: target, from: undefined, sourceAxis: undefined });
    else return undefined;
  }
  for (; sourceAxis < from.length; sourceAxis++) {
    const along = from[sourceAxis];
    if (along?.length !== 1) return undefined;
    fixed.set(sourceAxis, along.start);
  }
  return { pairs, fixed };
}
