// What a source holds, as values that can be compared.
import { digestSource } from "../../src/dataset/digest.ts";
import { openSource } from "../../src/dataset/open.ts";
import { type Reference, references } from "../../src/dataset/references.ts";

/** The digest of each array by its path, or the code of what keeps it from having one. */
export async function digestsOf(address: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for await (const { path, value, error } of digestSource(await openSource(address)))
    found[path] = value ?? error?.code;
  return found;
}

/** All digests with what they tell besides, and all references. */
export async function contentsOf(address: string): Promise<unknown> {
  const digests: unknown[] = [];
  for await (const digest of digestSource(await openSource(address))) digests.push(digest);
  const found: Reference[] = [];
  // The names of own objects are random, what lies where in which of them is not.
  const objects: (string | undefined)[] = [];
  for await (const reference of references(await openSource(address))) {
    if (reference.kind !== "native") found.push(reference);
    else {
      if (!objects.includes(reference.location)) objects.push(reference.location);
      found.push({ ...reference, location: `object ${objects.indexOf(reference.location)}` });
    }
  }
  return { digests, references: found };
}
