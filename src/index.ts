/**
 * The public API, for every platform.
 *
 * @module
 */

export type { JsonObject, JsonValue } from "./binary/json.ts";
export type { CodecSpecification } from "./codecs/codec.ts";
export type { DataType } from "./data-types/data-type.ts";
export { type CheckOptions, type CheckReport, check } from "./dataset/check.ts";
export type { DigestRow, DigestValue } from "./dataset/digest.ts";
export { Group, open, store, type WalkedNode } from "./dataset/group.ts";
export { type IndexOptions, type IndexProgress, index } from "./dataset/index/index.ts";
export type { ChangedArray, IndexSummary, Note, TargetFormat } from "./dataset/index/summary.ts";
export type { SourceOptions } from "./dataset/open.ts";
export { type BlameOptions, blame, type ChunkOrigin } from "./dataset/replace/blame.ts";
export type { CampaignSummary } from "./dataset/replace/commit-batches.ts";
export { type CompactOptions, type CompactSummary, compact } from "./dataset/replace/compact.ts";
export { type MaterializeOptions, materialize } from "./dataset/replace/materialize.ts";
export { type RefreshOptions, type RefreshSummary, refresh } from "./dataset/replace/refresh.ts";
export { type ReplaceOptions, type ReplaceSummary, replace } from "./dataset/replace/replace.ts";
export { type RewriteOptions, rewrite } from "./dataset/replace/rewrite.ts";
export type { StaleSource } from "./dataset/replace/stale-sources.ts";
export { type Condition, parseConditions } from "./dataset/replace/where.ts";
export { type AddressedRepositoryOptions, Repository } from "./dataset/repository.ts";
export type { SourceFormat } from "./dataset/source.ts";
export { type Difference, type VerifyOptions, type VerifySummary, verify } from "./dataset/verify/verify.ts";
export { type ErrorCode, isMoraineError, MoraineError } from "./errors.ts";
export type { CommitOptions, RebasingCommitOptions } from "./icechunk/commit/session-commit.ts";
export type { RepositoryConfig, VirtualChunkContainer } from "./icechunk/configuration.ts";
export {
  BASIC_CONFLICT_SOLVER,
  CONFLICT_DETECTOR,
  type Conflict,
  RebaseError,
  type RebasePolicy,
} from "./icechunk/conflicts/conflicts.ts";
export type { Diff, SessionStatus } from "./icechunk/diff.ts";
export type { HistoryEntry, Ref, SnapshotRef } from "./icechunk/history.ts";
export type { LostCommit } from "./icechunk/lost-commits.ts";
export type { RearrangeSession } from "./icechunk/session/rearrange-session.ts";
export type { Session } from "./icechunk/session/session.ts";
export type { SessionChanges } from "./icechunk/session/session-fork.ts";
export type { SessionStore } from "./icechunk/session/session-store.ts";
export type { Expiration, ExpireRules } from "./icechunk/upkeep/expire.ts";
export type { CheckedRepository, Finding } from "./icechunk/upkeep/fsck.ts";
export type { CollectedGarbage, CollectOptions } from "./icechunk/upkeep/garbage-collection.ts";
export type { StorageStatistics as RepositoryStatistics } from "./icechunk/upkeep/storage-statistics.ts";
export { mergeManifests, removeAxis, renameLocations, takeChunks } from "./manifest/arrange-chunks.ts";
export type { ChunkManifest } from "./manifest/chunk-manifest.ts";
export { concatenateManifests, insertAxis } from "./manifest/concatenate.ts";
export { type ConcatenatedArray, concatenateArrays, stackArrays } from "./manifest/concatenate-arrays.ts";
export { JOIN_POLICY, type JoinPolicy } from "./manifest/join-plan.ts";
export { ManifestBuilder } from "./manifest/manifest-builder.ts";
export { type ChunkRange, filterEntries, selectChunks } from "./manifest/select-chunks.ts";
export { type ElementRange, sliceArray } from "./manifest/slice-array.ts";
export { type ReferencedArray, splitChunks, subChunkShape } from "./manifest/split-chunks.ts";
export type { StorageEvent, StorageListener } from "./storage/events.ts";
export type { HostHeaders, HttpOptions } from "./storage/http/http-options.ts";
export { type RouterOptions, StorageRouter } from "./storage/router.ts";
export type { S3Credentials, S3Options } from "./storage/s3/s3-options.ts";
export type { DurabilityOptions, Storage, StorageOptions, Version } from "./storage/storage.ts";
export type { ArrayMetadata, ChunkGrid } from "./zarr/array-metadata.ts";
export {
  createArray,
  createGroup,
  type NewArray,
  type NewGroup,
} from "./zarr/create.ts";
export { create, Location, type OpenOptions, open as openLocation, root } from "./zarr/location.ts";
export { ZarrArray } from "./zarr/node.ts";
export { type Chunk, get } from "./zarr/read/get.ts";
export { type RawResult, readRaw } from "./zarr/read/read.ts";
export { coordinates, type Selection, type Slice, slice } from "./zarr/selection.ts";
export { ZarrStore } from "./zarr/store.ts";
export { consolidateMetadata } from "./zarr/store-documents.ts";
export { set } from "./zarr/write/set.ts";
export type { ArrayValues, ChunkValues, ElementList, ElementValue } from "./zarr/write/values.ts";
export { writeRaw } from "./zarr/write/write.ts";
export { ZARRITA_ROOT, type ZarritaReadable, ZarritaStorage } from "./zarr/zarrita/zarrita-storage.ts";
export { ZarritaStore } from "./zarr/zarrita/zarrita-store.ts";
export { ZipStorage } from "./zarr/zip/zip-storage.ts";
