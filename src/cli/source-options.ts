/**
 * The options that every verb which reads a SOURCE shares.
 *
 * @module
 */

import type { SourceOptions } from "../dataset/open.ts";
import { storageOptions } from "./storage-options.ts";
import { parseTime, UsageError, type VerbArguments, type VerbContext } from "./verb.ts";

/** `--ref`, `--as-of` and `--authorize`, how addresses are reached, and the signal that interrupts. */
export function sourceOptions(words: VerbArguments, context: VerbContext): SourceOptions {
  const ref = words.text("ref");
  const asOf = words.text("as-of");
  if (ref !== undefined && asOf !== undefined && /^[0-9A-HJKMNP-TV-Z]{20}$/.test(ref)) {
    throw new UsageError("--as-of needs a branch, not a snapshot");
  }
  const authorize = words.texts("authorize");
  return {
    ...storageOptions(words),
    signal: context.signal,
    ...(authorize.length > 0 && { authorize }),
    ...(ref !== undefined && { ref }),
    ...(asOf !== undefined && { asOf: parseTime(asOf) }),
  };
}
