/**
 * Lists of which a person reads the beginning.
 *
 * @module
 */

import type { VerbContext } from "../verb.ts";

/** Lines of a list that are printed; `--json` has all. */
const SHOWN = 20;

/** The first lines, and one that tells how many there are besides. */
export function firstOf(lines: readonly string[]): readonly string[] {
  if (lines.length <= SHOWN) return lines;
  return [...lines.slice(0, SHOWN), `  … and ${lines.length - SHOWN} more; --json lists all`];
}

/** Prints {@link firstOf}. */
export async function printList(lines: readonly string[], context: VerbContext): Promise<void> {
  for (const line of firstOf(lines)) await context.print(line);
}
