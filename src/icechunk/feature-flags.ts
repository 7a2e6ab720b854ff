/**
 * Switches by which a repository forbids some operations (Icechunk specification 2, "Feature flags"). All are on
 * where nothing else is said; numbers that are not known here are kept and passed over.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import type { RepoInfo } from "./format/repo.ts";
import type { RepoChange } from "./repo-update.ts";

export const FEATURE = { moveNode: 3, createTag: 4, deleteTag: 5 } as const;

/** The official names. */
const NAMES: ReadonlyMap<string, number> = new Map([
  ["move_node", FEATURE.moveNode],
  ["create_tag", FEATURE.createTag],
  ["delete_tag", FEATURE.deleteTag],
]);

export interface FeatureFlag {
  readonly name: string;
  readonly enabled: boolean;
  /** Whether the repository says so itself; false for the default. */
  readonly isSet: boolean;
}

function isEnabled(info: Pick<RepoInfo, "disabledFlags">, flag: number): boolean {
  return !info.disabledFlags.includes(flag);
}

/** Errors: `ReadOnly` where a feature is switched off. */
export function requireFeature(info: RepoInfo, flag: number, what: string): void {
  if (isEnabled(info, flag)) return;
  throw new MoraineError("ReadOnly", `${what} is switched off in this repository`);
}

export function featureFlags(info: RepoInfo): FeatureFlag[] {
  return [...NAMES].map(([name, id]) => ({
    name,
    enabled: isEnabled(info, id),
    isSet: info.enabledFlags.includes(id) || info.disabledFlags.includes(id),
  }));
}

/**
 * Sets a flag, or takes it back to its default.
 *
 * Errors: `InvalidArgument` for a name that is not known.
 */
export function setFeatureFlag(info: RepoInfo, name: string, enabled: boolean | undefined): RepoChange {
  const id = NAMES.get(name);
  if (id === undefined) {
    throw new MoraineError(
      "InvalidArgument",
      `there is no feature flag "${name}"; there are ${[...NAMES.keys()].join(", ")}`,
    );
  }
  const others = (flags: readonly number[]): number[] => flags.filter((flag) => flag !== id);
  return {
    info: {
      enabledFlags: enabled === true ? [...others(info.enabledFlags), id] : others(info.enabledFlags),
      disabledFlags: enabled === false ? [...others(info.disabledFlags), id] : others(info.disabledFlags),
    },
    operation: { kind: "FeatureFlagChanged", id, newValue: enabled ?? true, isSet: enabled !== undefined },
  };
}
