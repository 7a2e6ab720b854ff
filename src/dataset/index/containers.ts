/**
 * The places that a repository's virtual chunks lie in, so that a reader knows what to authorize.
 *
 * @module
 */

import { locationOfAddress } from "../../icechunk/changes/virtual-chunks.ts";
import type { ReferencesOfArray } from "../../manifest/manifest-parts.ts";
import { folderOf } from "../../storage/address.ts";

/** Containers that one index adds at the most; beyond it they are joined by the folders above. */
const MOST_CONTAINERS = 16;

/** The folders of all locations that references point to, none within another. */
export function containerPrefixes(manifests: Iterable<ReferencesOfArray>): string[] {
  const folders = new Set<string>();
  for (const manifest of manifests) {
    if (manifest.inline.size === manifest.count) continue;
    for (const location of manifest.locations) folders.add(folderOf(locationOfAddress(location)));
  }
  let prefixes = outermost(folders);
  while (prefixes.length > MOST_CONTAINERS) {
    const above = outermost(prefixes.map(parent));
    if (above.length === prefixes.length && above.every((prefix, at) => prefix === prefixes[at])) break;
    prefixes = above;
  }
  return prefixes;
}

/** The folder above; a scheme with its host has none. */
function parent(folder: string): string {
  const above = folderOf(folder.slice(0, -1));
  return /^[a-z][a-z0-9+.-]*:\/\/\/?$/i.test(above) ? folder : above;
}

/** Sorted, without those that lie within another. */
function outermost(folders: Iterable<string>): string[] {
  const kept: string[] = [];
  for (const folder of [...new Set(folders)].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !folder.startsWith(last)) kept.push(folder);
  }
  return kept;
}
