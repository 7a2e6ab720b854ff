/**
 * Names of sources in messages.
 *
 * @module
 */

/** Names that a message has. */
const SHOWN = 10;

/** Names one after another; of many the first. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).join(", ");
  return names.length > SHOWN ? `${shown} and ${names.length - SHOWN} more` : shown;
}
