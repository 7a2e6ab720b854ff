/**
 * The configuration that a repository keeps with itself (Icechunk specification, "Configuration"; names and
 * defaults as icechunk-python's `RepositoryConfig`). Fields that are not used here are kept as they are.
 *
 * @module
 */

import { isJsonObject, type JsonObject, type JsonValue } from "../binary/json.ts";
import { MoraineError } from "../errors.ts";
import { schemeOf } from "../storage/address.ts";
import { decodeFlexBuffer } from "./format/flexbuffer.ts";
import { encodeFlexBuffer } from "./format/flexbuffer-writer.ts";
import { requireSettings } from "./settings-rules.ts";

/** A place that virtual chunks may lie in, and how official clients reach it. */
export interface VirtualChunkContainer {
  /** Ends with a slash: `file:///data/`, `s3://bucket/prefix/`, `https://host/`. */
  readonly urlPrefix: string;
  /** A name by which locations `vcc://name/…` refer to it. */
  readonly name?: string | undefined;
  /** The store as icechunk's `ObjectStoreConfig` writes it; made of the prefix where it is left out. */
  readonly store?: JsonValue | undefined;
}

/** The settings that are used here. */
export interface RepositoryConfig {
  /** Chunks of at most so many bytes are held in the manifest. Default 512. */
  readonly inlineChunkThresholdBytes?: number | undefined;
  /** Of zstd. Default 3. */
  readonly compressionLevel?: number | undefined;
  /** Entries of the operations log in one `repo` file. Default 1,000. */
  readonly updatesPerRepoFile?: number | undefined;
  readonly virtualChunkContainers?: readonly VirtualChunkContainer[] | undefined;
  /** Rules by which the references of arrays are spread over manifests, as icechunk writes `split_sizes`. */
  readonly splitSizes?: JsonValue | undefined;
}

/** Reads a saved configuration. Errors: `CorruptFile`, `InvalidMetadata`. */
export function readConfiguration(bytes: Uint8Array | undefined, source: string): JsonObject {
  if (bytes === undefined) return {};
  const value = decodeFlexBuffer(bytes, source);
  if (!isJsonObject(value))
    throw new MoraineError("InvalidMetadata", "the configuration is no map", { source });
  return value;
}

export function writeConfiguration(config: JsonObject): Uint8Array {
  return encodeFlexBuffer(config);
}

/** The settings of a saved configuration. Fields of another type than they should be count as unset. */
export function settingsOf(config: JsonObject): RepositoryConfig {
  const compression = objectOf(config.compression);
  const manifest = objectOf(config.manifest);
  const splitting = objectOf(manifest.splitting);
  return {
    inlineChunkThresholdBytes: numberOf(config.inline_chunk_threshold_bytes),
    compressionLevel: numberOf(compression.level),
    updatesPerRepoFile: numberOf(config.num_updates_per_repo_info_file),
    virtualChunkContainers: Object.values(objectOf(config.virtual_chunk_containers)).flatMap(readContainer),
    splitSizes: splitting.split_sizes,
  };
}

/**
 * A saved configuration with some settings replaced; containers are added to those that are there.
 *
 * Errors: as {@link requireSettings}.
 */
export function mergeSettings(config: JsonObject, settings: RepositoryConfig): JsonObject {
  requireSettings(settings);
  const merged: Record<string, JsonValue> = { ...config };
  if (settings.inlineChunkThresholdBytes !== undefined) {
    merged.inline_chunk_threshold_bytes = settings.inlineChunkThresholdBytes;
  }
  if (settings.compressionLevel !== undefined) {
    merged.compression = {
      algorithm: null,
      ...objectOf(config.compression),
      level: settings.compressionLevel,
    };
  }
  if (settings.updatesPerRepoFile !== undefined) {
    merged.num_updates_per_repo_info_file = settings.updatesPerRepoFile;
  }
  if (settings.virtualChunkContainers !== undefined) {
    merged.virtual_chunk_containers = {
      ...objectOf(config.virtual_chunk_containers),
      ...Object.fromEntries(
        settings.virtualChunkContainers.map((item) => [item.urlPrefix, writeContainer(item)]),
      ),
    };
  }
  if (settings.splitSizes !== undefined) {
    merged.manifest = {
      preload: null,
      virtual_chunk_location_compression: null,
      ...objectOf(config.manifest),
      splitting: { split_sizes: settings.splitSizes },
    };
  }
  return merged;
}

/** Containers of early versions may lack the slash; what has no scheme can match nothing. */
function readContainer(value: JsonValue): VirtualChunkContainer[] {
  const { url_prefix: prefix, name, store } = objectOf(value);
  if (typeof prefix !== "string" || schemeOf(prefix) === undefined) return [];
  return [
    {
      urlPrefix: prefix.endsWith("/") ? prefix : `${prefix}/`,
      name: typeof name === "string" ? name : undefined,
      store,
    },
  ];
}

function writeContainer(container: VirtualChunkContainer): JsonObject {
  const { urlPrefix } = container;
  return {
    name: container.name ?? null,
    store: container.store ?? defaultStore(urlPrefix),
    url_prefix: urlPrefix,
  };
}

/** How official clients reach a prefix when nothing more is known about it. */
function defaultStore(urlPrefix: string): JsonValue {
  switch (schemeOf(urlPrefix)) {
    case "file":
      return {
        local_file_system: decodeURIComponent(urlPrefix.slice("file://".length)).replace(/(.)\/$/, "$1"),
      };
    case "http":
    case "https":
      return { http: {} };
    case "s3":
      return {
        s3: {
          allow_http: false,
          anonymous: false,
          checksum_algorithm: null,
          endpoint_url: null,
          force_path_style: false,
          network_stream_timeout_seconds: 60,
          region: null,
          requester_pays: false,
        },
      };
    case "gs":
    case "gcs":
      return { gcs: {} };
    case "az":
    case "azure":
    case "abfs":
      return { azure: {} };
    default:
      // Nothing that an official client could reach.
      return "in_memory";
  }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
