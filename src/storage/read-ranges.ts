/**
 * Reads planned ranges: the way that every storage goes whose requests bring one range each.
 *
 * @module
 */

import { MoraineError } from "../errors.ts";
import { linkedController } from "./abort.ts";
import { planRanges, splitLength, type TransferPolicy } from "./ranges.ts";
import { type ResolvedRange, truncated } from "./slice-ranges.ts";
import type { ReadOptions, ReadResult, Version } from "./storage.ts";
import { requireVersion } from "./version.ts";

/** What one request brought: fewer bytes than asked for only where the object ends. */
export interface FetchedRange {
  readonly bytes: Uint8Array;
  readonly version: Version;
}

/**
 * One request. `target`, of `length` bytes, is where the bytes may be put (`bytes` is then a part of it), so that
 * the pieces of a large range need no copy.
 */
export type FetchRange = (
  offset: number,
  length: number,
  signal: AbortSignal,
  target?: Uint8Array,
) => Promise<FetchedRange>;

/**
 * Merges the ranges, fetches them side by side, splits large ones, and checks that all bytes are of one version.
 * The first failure cancels the other requests.
 *
 * Errors: `TruncatedFile` (unless `clip`), `SourceChanged`, those of `fetch`.
 *
 * @returns the version is undefined where nothing had to be fetched
 */
export async function readRanges(
  address: string,
  ranges: readonly ResolvedRange[],
  policy: TransferPolicy,
  fetch: FetchRange,
  options: ReadOptions,
): Promise<Omit<ReadResult, "version"> & { readonly version: Version | undefined }> {
  const parts = new Array<Uint8Array>(ranges.length);
  const wanted: number[] = [];
  ranges.forEach((range, index) => {
    if (range.length === 0) parts[index] = new Uint8Array(0);
    else wanted.push(index);
  });
  const merged = planRanges(
    wanted.map((index) => ranges[index]?.offset ?? 0),
    wanted.map((index) => ranges[index]?.length ?? 0),
    policy,
  );
  const versions = new OneVersion(address, options.version);
  const { controller, unlink } = linkedController(options.signal);
  const underWay = new Set<Promise<FetchedRange>>();
  const checked: FetchRange = async (offset, length, signal, target) => {
    const request = fetch(offset, length, signal, target);
    underWay.add(request);
    try {
      const fetched = await request;
      versions.add(fetched.version);
      return fetched;
    } finally {
      underWay.delete(request);
    }
  };
  try {
    await Promise.all(
      merged.map(async (run) => {
        const bytes = await fetchPieces(
          run.offset,
          run.length,
          policy,
          checked,
          controller.signal,
          options.allocate,
        );
        for (const member of run.members) {
          const index = wanted[member] ?? 0;
          const { offset, length } = ranges[index] ?? run;
          const start = offset - run.offset;
          const part = bytes.subarray(start, start + length);
          if (part.length < length && !options.clip) {
            throw truncated(address, offset, length, run.offset + bytes.length);
          }
          parts[index] = part;
        }
      }),
    );
  } catch (error) {
    controller.abort(error);
    // Nothing goes on when the caller closes what is read from.
    await Promise.allSettled(underWay);
    throw error;
  } finally {
    unlink();
  }
  return { parts, version: versions.found };
}

/** Fetches one merged range. The first piece of a large one shows that the others are there to make room for. */
async function fetchPieces(
  offset: number,
  length: number,
  policy: TransferPolicy,
  fetch: FetchRange,
  signal: AbortSignal,
  allocate: ReadOptions["allocate"],
): Promise<Uint8Array> {
  const [first = length, ...others] = splitLength(length, policy);
  const target = others.length === 0 ? allocate?.(length) : undefined;
  const head = await fetch(offset, first, signal, target);
  if (others.length === 0 || head.bytes.length < first) return head.bytes;
  const { size } = head.version;
  const whole = new Uint8Array(
    size === undefined ? length : Math.min(length, Math.max(size - offset, first)),
  );
  whole.set(head.bytes);
  let at = first;
  const pieces: Promise<{ readonly wanted: number; readonly came: number }>[] = [];
  for (const piece of others) {
    const target = whole.subarray(at, at + piece);
    pieces.push(fetchInto(target, offset + at, fetch, signal));
    at += target.length;
    if (at >= whole.length) break;
  }
  let end = first;
  let ended = false;
  for (const { wanted, came } of await Promise.all(pieces)) {
    // Nothing follows the end of an object, unless it changed in between.
    if (ended && came > 0) throw new MoraineError("SourceChanged", "the source changed while it was read");
    ended ||= came < wanted;
    end += came;
  }
  return whole.subarray(0, end);
}

async function fetchInto(
  target: Uint8Array,
  offset: number,
  fetch: FetchRange,
  signal: AbortSignal,
): Promise<{ readonly wanted: number; readonly came: number }> {
  const { bytes } = await fetch(offset, target.length, signal, target);
  if (bytes.buffer !== target.buffer) target.set(bytes);
  return { wanted: target.length, came: bytes.length };
}

/** The version that all answers must share. */
class OneVersion {
  found: Version | undefined;
  readonly #address: string;
  readonly #expected: Version | undefined;

  constructor(address: string, expected: Version | undefined) {
    this.#address = address;
    this.#expected = expected;
  }

  add(version: Version): void {
    requireVersion(this.#address, version, this.#expected);
    requireVersion(this.#address, version, this.found);
    this.found = { ...this.found, ...version };
  }
}
