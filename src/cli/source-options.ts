/**
 * The options that every verb which reads a SOURCE shares.
 *
 * @module
 */

import type { SourceOptions } from "../dataset/open.ts";
import { parseTime, UsageError, type VerbArguments, type VerbContext } from "./verb.ts";

/** `--ref` and `--as-of`, and the signal that interrupts. */
export function sourceOptions(words: VerbArguments, context: VerbContext): SourceOptions {
  const ref = words.text("ref");
  const asOf = words.text("as-of");
  if (ref !== undefined && asOf !== undefined && /^[0-9A-HJKMNP-TV-Z]{20}$/.test(ref)) {
    throw new UsageError("--as-of needs a branch, not a snapshot");
  }
  return {
    signal: context.signal,
    ...(ref !== undefined && { ref }),
    ...(asOf !== undefined && { asOf: parseTime(asOf) }),
  };
}
