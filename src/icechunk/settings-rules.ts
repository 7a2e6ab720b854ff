/**
 * What settings may be. Official clients read the whole configuration when they open a repository: one value that they
 * do not take, and none of them opens it any more (Icechunk specification, "Configuration"; icechunk's `config.rs`).
 *
 * @module
 */

import { isJsonArray, isJsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { schemeOf } from "../storage/address.ts";
import type { RepositoryConfig, VirtualChunkContainer } from "./configuration.ts";

const MAX_U16 = 65535;
const MAX_U32 = 4294967295;
const MAX_ZSTD_LEVEL = 22;
/** Variants of `ObjectStoreConfig`; the first is a word, the others hold their options. */
const STORES = ["in_memory", "local_file_system", "http", "s3_compatible", "s3", "gcs", "azure", "tigris"];

const NAMES: { readonly [name in keyof Required<RepositoryConfig>]: true } = {
  inlineChunkThresholdBytes: true,
  compressionLevel: true,
  updatesPerRepoFile: true,
  virtualChunkContainers: true,
  splitSizes: true,
};

/** Errors: `InvalidArgument` for what official clients could not read, or nobody could use. */
export function requireSettings(settings: RepositoryConfig): void {
  const unknown = Object.keys(settings).find((name) => !Object.hasOwn(NAMES, name));
  if (unknown !== undefined) {
    throw wrong(`there is no setting "${unknown}"; there are ${Object.keys(NAMES).join(", ")}`);
  }
  const { inlineChunkThresholdBytes, compressionLevel, updatesPerRepoFile, splitSizes } = settings;
  requireWhole("inlineChunkThresholdBytes", inlineChunkThresholdBytes, 0, MAX_U16);
  requireWhole("compressionLevel", compressionLevel, 0, MAX_ZSTD_LEVEL);
  requireWhole("updatesPerRepoFile", updatesPerRepoFile, 1, MAX_U16);
  if (
    splitSizes !== undefined &&
    splitSizes !== null &&
    !(isJsonArray(splitSizes) && splitSizes.every(isRule))
  ) {
    throw wrong(
      "splitSizes is a list of [CONDITION, [{ condition, num_chunks }, …]], with CONDITION any_array, path_matches, " +
        "name_matches, and, or; and condition Any, Axis, DimensionName",
    );
  }
  settings.virtualChunkContainers?.forEach(requireContainer);
}

/** Null is how the configuration writes what is not set. */
function requireWhole(name: string, value: number | null | undefined, least: number, most: number): void {
  if (value === undefined || value === null || isWhole(value, least, most)) return;
  throw wrong(`${name} is a whole number from ${least} to ${most}, not ${value}`);
}

function requireContainer({ urlPrefix, name, store }: VirtualChunkContainer): void {
  if (schemeOf(urlPrefix) === undefined || !urlPrefix.endsWith("/")) {
    throw wrong(`a container's prefix is a URL that ends with a slash: ${urlPrefix}`);
  }
  if (name !== undefined && (name === "" || name.includes("/"))) {
    throw wrong(`a container's name is not empty and has no slash: "${name}"`);
  }
  const [variant, ...more] = isJsonObject(store) ? Object.keys(store) : [store];
  if (store === undefined || (more.length === 0 && typeof variant === "string" && STORES.includes(variant)))
    return;
  throw wrong(`the store of a container is one of ${STORES.join(", ")}`);
}

function isRule(rule: JsonValue): boolean {
  if (!isJsonArray(rule) || rule.length !== 2) return false;
  const [condition, dimensions] = rule;
  return isArrayCondition(condition) && isJsonArray(dimensions) && dimensions.every(isDimensionRule);
}

function isArrayCondition(condition: JsonValue | undefined): boolean {
  if (condition === "any_array") return true;
  const [entry, ...more] = isJsonObject(condition) ? Object.entries(condition) : [];
  if (entry === undefined || more.length > 0) return false;
  const [kind, value] = entry;
  if (kind === "and" || kind === "or") return isJsonArray(value) && value.every(isArrayCondition);
  const isMatch = kind === "path_matches" || kind === "name_matches";
  return isMatch && isJsonObject(value) && typeof value.regex === "string";
}

function isDimensionRule(rule: JsonValue): boolean {
  if (!isJsonObject(rule) || !isWhole(rule.num_chunks, 1, MAX_U32)) return false;
  const { condition } = rule;
  if (condition === "Any") return true;
  if (!isJsonObject(condition) || Object.keys(condition).length !== 1) return false;
  return isWhole(condition.Axis, 0, MAX_U32) || typeof condition.DimensionName === "string";
}

function isWhole(value: JsonValue | undefined, least: number, most: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}

function wrong(message: string): MoraineError {
  return new MoraineError("InvalidArgument", message);
}
