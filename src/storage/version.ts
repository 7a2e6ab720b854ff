/**
 * When two versions are of the same state of an object.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { Version } from "./storage.ts";

/**
 * Whether two versions can be of one state: all that both of them know is equal. An ETag decides alone where
 * both have a strong one. Weak ETags (`W/"…"`) may stay while bytes change, so that size and time must agree too;
 * a strong one and a weak one are not comparable. Where one of them only says that nothing newer is meant, a time
 * is needed to know.
 */
export function sameVersion(a: Version, b: Version): boolean {
  if (a.etag !== undefined && b.etag !== undefined && isWeak(a.etag) === isWeak(b.etag)) {
    const same = a.etag === b.etag || opaqueTag(a.etag) === opaqueTag(b.etag);
    if (!same || !isWeak(a.etag)) return same;
  }
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
      `the source is not what it was when it was scanned or first read (${describe(expected)}; now ${describe(found)})`,
      { source: address },
    );
  }
}

function isWeak(etag: string): boolean {
  return etag.startsWith("W/");
}

/** The ETag without its quotes, which some services leave away, and without `W/`. */
export function opaqueTag(etag: string): string {
  return etag.replace(/^W\//, "").replace(/^"(.*)"$/, "$1");
}

function describe({ etag, size, lastModified, notAfter }: Version): string {
  const facts: string[] = [];
  if (etag !== undefined) facts.push(`ETag ${etag}`);
  if (size !== undefined) facts.push(`${size} bytes`);
  if (lastModified !== undefined) facts.push(`modified ${new Date(lastModified).toISOString()}`);
  if (notAfter !== undefined) facts.push(`not after ${new Date(notAfter).toISOString()}`);
  return facts.join(", ") || "unknown";
}
