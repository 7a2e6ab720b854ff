/**
 * What an index changes in its target: all of it, what is appended, or what an update finds.
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { Repository } from "../../icechunk/repository.ts";
import { absolutePath } from "../source.ts";
import type { GroupChange } from "../update/group-change.ts";
import type { RecordedOptions } from "./index-record.ts";
import { changesOf, knownSources, recordedSources } from "./known-sources.ts";
import type { IndexingOptions } from "./options.ts";
import type { Note, TargetFormat } from "./summary.ts";

/** What is indexed, and into what state of the target. */
export interface Change {
  readonly addresses: readonly string[];
  /** Snapshot that the target must still be at; undefined where it does not matter. */
  readonly base: string | undefined;
  /** Those of the index that is updated. */
  readonly options: RecordedOptions;
  /** Dimension along which the sources are added to what is there. */
  readonly append: string | undefined;
  readonly notes: readonly Note[];
  /** What changed in the target's sources, where that is more than sources that are added. */
  readonly update?: Update | undefined;
}

/** A group to be brought up to date. */
export interface Update {
  readonly repository: Repository;
  readonly change: GroupChange;
}

/**
 * Finds out what is to be indexed.
 *
 * Errors: `InvalidArgument` for a target that cannot be changed so, `NotFound` where its history does not tell its
 * sources, or all of them are gone.
 */
export async function changeOf(
  target: string,
  format: TargetFormat,
  addresses: readonly string[],
  options: IndexingOptions,
): Promise<Change> {
  const { append, update = false, branch = "main", signal, storage } = options;
  const plain: Change = { addresses, base: undefined, options: {}, append, notes: [] };
  if (append === undefined && !update) return plain;
  if (append !== undefined && update) {
    throw new MoraineError("InvalidArgument", "either sources are appended, or the repository is updated");
  }
  if (format !== "icechunk") {
    throw new MoraineError("InvalidArgument", `only a repository keeps what it was made of, not ${format}`);
  }
  const { Repository } = await import("../../icechunk/repository.ts");
  const repository = await Repository.open(storage, target, { signal });
  const base = await repository.lookupBranch(branch, { signal });
  const group = absolutePath(options.group ?? "/");
  if (!update) return await appended({ ...plain, base }, repository, branch, group, options);
  const known = await knownSources(repository, branch, group, { signal });
  const { present, changed, gone } = await changesOf(known.sources, storage, { signal });
  const fresh = addresses.filter((address) => !known.sources.some((one) => one.address === address));
  const change: GroupChange = { group, branch, base, known, present, changed, gone, fresh };
  const notes = notesOf(change);
  if (notes.length === 0) return { ...plain, addresses: [], base };
  if (present.length + fresh.length === 0) {
    throw new MoraineError("NotFound", "all sources are gone; nothing would be left", { source: target });
  }
  const { concat, byCoords, drift } = known.beginning.options;
  const isMore = changed.length === 0 && gone.length === 0 && concat !== undefined;
  if (isMore && byCoords !== true) {
    // What is there stays as it is: what is new comes behind it.
    const first = { ...known.beginning.options, drift: options.drift ?? drift, concat: undefined };
    return { ...plain, addresses: fresh, base, options: first, append: concat, notes };
  }
  return { ...plain, base, notes, update: { repository, change } };
}

function notesOf({ changed, gone, fresh }: GroupChange): Note[] {
  return [
    ...changed.map((source): Note => ({ source, path: "/", note: "has changed since it was indexed" })),
    ...gone.map((source): Note => ({ source, path: "/", note: "is gone: it was removed" })),
    ...fresh.map((source): Note => ({ source, path: "/", note: "was added" })),
  ];
}

/** Sources that are in already are not appended again. Errors: `Incompatible` for one that has changed since. */
async function appended(
  change: Change,
  repository: Repository,
  branch: string,
  group: string,
  { signal, storage, load, grid }: IndexingOptions,
): Promise<Change> {
  const { sources, beginning } = await recordedSources(repository, branch, group, { signal });
  const known = new Map(sources.map((source) => [source.address, source]));
  const again = change.addresses.flatMap((address) => known.get(address) ?? []);
  const { changed } = await changesOf(again, storage, { signal });
  const [first] = changed;
  if (first !== undefined) {
    throw new MoraineError(
      "Incompatible",
      "it is in the repository already, and has changed since: update instead",
      {
        source: first,
      },
    );
  }
  return {
    ...change,
    // How arrays are stored is asked for once.
    options: { load: load ?? beginning?.options.load, grid: grid ?? beginning?.options.grid },
    addresses: change.addresses.filter((address) => !known.has(address)),
    notes: again.map(({ address }) => ({
      source: address,
      path: group,
      note: "is in the repository already",
    })),
  };
}
