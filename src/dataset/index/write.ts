/**
 * Carries out a plan: references in bulk, decoded chunks one after another within bounded memory.
 *
 * @module
 */

import { itemSize } from "../../data-types/data-type.ts";
import { isMoraineError, type MoraineError } from "../../errors.ts";
import type { ChunkManifest } from "../../manifest/chunk-manifest.ts";
import { isInParts, type ManifestParts } from "../../manifest/manifest-parts.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { gridCoordinates, gridShapeOf, largestChunk } from "../../zarr/chunk-grid.ts";
import { ChunkEncoder } from "../../zarr/write/chunk-encoder.ts";
import { mapConcurrent } from "../concurrent.ts";
import type { IndexPlan } from "./plan.ts";
import { type ArrayPlan, chunkCount } from "./plan-array.ts";
import type { ChangedArray } from "./summary.ts";
import type { IndexTarget } from "./target.ts";
import { COUNTS, noCounts, type WrittenCounts } from "./written-counts.ts";

export interface WriteOptions extends StorageOptions {
  /** Arrays whose chunks cannot be decoded are an error instead of being left out. */
  readonly strict: boolean;
  /** Whether the target copies the bytes that references point at. */
  readonly copies: boolean;
  readonly onProgress?: ((counts: WrittenCounts) => void) | undefined;
}

/** Decoded bytes of chunks that are encoded side by side. */
const ENCODING_BYTES = 64 * 1024 * 1024;
const MOST_SIDE_BY_SIDE = 8;

/** Writes the nodes of a plan; the target shows nothing of it before its commit. */
export async function writePlan(
  plan: IndexPlan,
  target: IndexTarget,
  options: WriteOptions,
): Promise<{ readonly counts: WrittenCounts; readonly leftOut: readonly ChangedArray[] }> {
  const counts = noCounts();
  const leftOut: ChangedArray[] = [];
  for (const node of plan.nodes) {
    options.signal?.throwIfAborted();
    if (node.kind === "group") {
      await target.createGroup(node.path, node.attributes);
      counts.groups += 1;
    } else {
      try {
        const written = await writeArray(node, target, options);
        for (const key of COUNTS) counts[key] += written[key];
      } catch (error) {
        const fault = chunkFault(error, node, options);
        // One array that cannot be decoded does not cost the others.
        await target.removeArray(node.path);
        leftOut.push({ source: node.source, path: node.sourcePath, code: fault.code, reason: fault.message });
      }
    }
    options.onProgress?.(counts);
  }
  return { counts, leftOut };
}

/** Errors of the chunks of an array; every other one is rethrown. */
function chunkFault(error: unknown, plan: ArrayPlan, options: WriteOptions): MoraineError {
  const ofChunks = isMoraineError(
    error,
    "CorruptChunk",
    "ChecksumMismatch",
    "CorruptFile",
    "TruncatedFile",
    "UnsupportedFilter",
    "UnsupportedCodec",
    "UnsupportedDataType",
    "UnsupportedLayout",
    "LimitExceeded",
    "NumberTooLarge",
    "NotFound",
  );
  if (ofChunks && !options.strict && plan.existing !== true && plan.rewrite.length > 0) return error;
  throw isMoraineError(error) ? error.at({ path: plan.path }) : error;
}

async function writeArray(
  plan: ArrayPlan,
  target: IndexTarget,
  options: WriteOptions,
): Promise<WrittenCounts> {
  const counts = noCounts();
  const total = chunkCount(plan.metadata);
  if (plan.existing === true) await target.updateArray(plan.path, plan.metadata);
  else await target.createArray(plan.path, plan.metadata);
  counts.arrays += 1;
  let stored = 0;
  if (plan.references !== undefined && plan.references.count > 0) {
    const { count, inline } = plan.references;
    const { inlineBytes, virtualBytes } = isInParts(plan.references)
      ? plan.references
      : bytesOf(plan.references);
    const copied = await target.setReferences(plan.path, plan.references, options);
    stored += count;
    counts.inline += inline.size;
    counts[options.copies ? "native" : "virtual"] += count - inline.size;
    counts.writtenBytes += copied + inlineBytes;
    if (!options.copies) counts.virtualBytes += virtualBytes;
  }
  if (plan.rewrite.length > 0) stored += await rewriteChunks(plan, target, counts, options);
  if (plan.absent !== undefined && plan.absent.length > 0) {
    await target.deleteChunks?.(plan.path, plan.absent, options);
  }
  // What an array had before is not looked at.
  if (plan.existing !== true) counts.missing += Math.max(total - stored, 0);
  return counts;
}

function bytesOf({
  count,
  inline,
  lengths,
}: ChunkManifest): Pick<ManifestParts, "inlineBytes" | "virtualBytes"> {
  let inlineBytes = 0;
  let virtualBytes = 0;
  for (const bytes of inline.values()) inlineBytes += bytes.length;
  for (let entry = 0; entry < count; entry++) {
    if (!inline.has(entry)) virtualBytes += lengths[entry] ?? 0;
  }
  return { inlineBytes, virtualBytes };
}

/**
 * Encodes chunks side by side and stores them in their order, so that the target's objects are the same every time.
 *
 * @returns chunks that were stored
 */
async function rewriteChunks(
  plan: ArrayPlan,
  target: IndexTarget,
  counts: WrittenCounts,
  options: WriteOptions,
): Promise<number> {
  const encoder = await ChunkEncoder.create(plan.metadata);
  const gridShape = gridShapeOf(plan.metadata);
  const chunkBytes = largestChunk(plan.metadata.chunkGrid).reduce(
    (product, length) => product * length,
    itemSize(plan.metadata.dataType) ?? 16,
  );
  const sideBySide = Math.min(Math.max(Math.floor(ENCODING_BYTES / chunkBytes), 1), MOST_SIDE_BY_SIDE);
  const positions = plan.rewrite === "all" ? range(chunkCount(plan.metadata)) : plan.rewrite.values();
  let stored = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const batch: number[][] = [];
    while (batch.length < sideBySide) {
      const next = positions.next();
      if (next.done === true) break;
      batch.push(gridCoordinates(next.value, gridShape));
    }
    if (batch.length === 0) return stored;
    const encoded = await mapConcurrent(batch, sideBySide, (coordinates) =>
      encoder.encode(coordinates, plan.region, { signal: options.signal }),
    );
    const missing = batch.filter((_, at) => encoded[at] === undefined);
    if (plan.existing === true && missing.length > 0) {
      await target.deleteChunks?.(plan.path, missing, options);
    }
    for (const [at, coordinates] of batch.entries()) {
      const bytes = encoded[at];
      if (bytes === undefined) continue;
      await target.setChunk(plan.path, coordinates, bytes, options);
      stored += 1;
      counts.native += 1;
      counts.writtenBytes += bytes.length;
    }
    options.onProgress?.(counts);
  }
}

function* range(count: number): Generator<number, void, undefined> {
  for (let position = 0; position < count; position++) yield position;
}
