/**
 * When two versions are of the same state of an object.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Version } from "./storage.ts";

/**
 * Whether two versions can be of one state: all that both of them know is equal. An ETag decides alone where
 * both have a strong one; weak ETags (`W/"…"`) say nothing about bytes and are passed over. Where one of them
 * only says that nothing newer is meant, a time is needed to know.
 */
export function sameVersion(a: Version, b: Version): boolean {
  const [strongA, strongB] = [strongEtag(a), strongEtag(b)];
  if (strongA !== undefined && strongB !== undefined) return strongA === strongB;
  const sizes = a.size === undefined || b.size === undefined || a.size === b.size;
  const times =
    a.lastModified === undefined || b.lastModified === undefined || a.lastModified === b.lastModified;
  return sizes && times && isNotAfter(a, b.notAfter) && isNotAfter(b, a.notAfter);
}

function isNotAfter(version: Version, limit: number | undefined): boolean {
  if (limit === undefined || version.notAfter !== undefined) return true;
  return version.lastModified !== undefined && version.lastModified <= limit;
}

/** Throws `SourceChanged` unless what is there can be what was expected. */
export function requireVersion(address: string, found: Version, expected: Version | undefined): void {
  if (expected !== undefined && !sameVersion(found, expected)) {
    throw new MoraineError(
      "SourceChanged",
      "the source is not the one that was scanned: it has changed since",
      {
        source: address,
      },
    );
  }
}

/** The ETag without its quotes, which some services leave away; undefined for a weak one. */
function strongEtag(version: Version): string | undefined {
  const { etag } = version;
  if (etag === undefined || etag.startsWith("W/")) return undefined;
  return etag.replace(/^"(.*)"$/, "$1");
}
