/**
 * Lists of which a person reads the beginning.
 *
 * @module
 */

import type { VerbContext } from "../verb.ts";

/** Lines of a list that are printed; `--json` has all. */
const SHOWN = 20;

/** Prints the first lines, and how many there are besides. */
export async function printList(lines: readonly string[], context: VerbContext): Promise<void> {
  for (const line of lines.slice(0, SHOWN)) await context.print(line);
  if (lines.length > SHOWN) await context.print(`  … and ${lines.length - SHOWN} more; --json lists all`);
}
