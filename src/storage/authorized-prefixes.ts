/**
 * Which addresses may be read that strangers wrote down: those below prefixes that somebody allowed.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";

/** Whether an address is one of the prefixes, or lies below one as below a folder. */
export function isAuthorized(address: string, prefixes: readonly string[]): boolean {
  return prefixes.some(
    (prefix) => address === prefix || address.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`),
  );
}

/**
 * Refuses addresses that mean another place than they seem to: names `.` and `..`, also escaped, and what a parser
 * of URLs takes for a slash or leaves out (backslashes, tabs, line ends).
 *
 * Errors: `InvalidArgument`.
 */
export function refuseClimbing(address: string): void {
  const [, authority = "", path = ""] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^?#]*)/is.exec(address) ?? [];
  const climbs = path.split(/\/|%2f/i).some((name) => /^(?:\.|%2e){1,2}$/i.test(name));
  const names = `${authority}${path}`;
  if (climbs || (/^https?:/i.test(address) && /[\\\x00-\x1f]/.test(names))) {
    throw new MoraineError(
      "InvalidArgument",
      "an address must not contain . or .. as names, nor backslashes",
      {
        source: address,
      },
    );
  }
}
