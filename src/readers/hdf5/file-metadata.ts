/**
 * The metadata of a file whose superblock is known: addresses instead of offsets, and the entries of a metadata
 * cache image in place of what lies on disk.
 *
 * @module
 */

import type { MoraineError } from "../../errors.ts";
import type { CachedEntry } from "./cache-image.ts";
import type { BlockOptions, FileBlocks } from "./file-blocks.ts";
import type { MetadataRange, MetadataSource } from "./metadata-source.ts";

export class FileMetadata implements MetadataSource {
  readonly source: string;
  readonly base: number;
  readonly size: number;
  readonly offsetSize: number;
  readonly lengthSize: number;
  readonly #blocks: FileBlocks;
  /** By ascending address, none overlapping. */
  #cached: readonly CachedEntry[] = [];

  constructor(
    blocks: FileBlocks,
    widths: { readonly base: number; readonly offsetSize: number; readonly lengthSize: number },
  ) {
    this.source = blocks.source;
    this.size = blocks.size;
    this.base = widths.base;
    this.offsetSize = widths.offsetSize;
    this.lengthSize = widths.lengthSize;
    this.#blocks = blocks;
  }

  /** Puts the entries of a metadata cache image over what lies on disk. */
  overlay(entries: readonly CachedEntry[]): void {
    this.#cached = [...entries].sort((a, b) => a.address - b.address);
  }

  async read(ranges: readonly MetadataRange[], options?: BlockOptions): Promise<readonly Uint8Array[]> {
    const parts = await this.#blocks.read(
      ranges.map((range) => this.base + range.address),
      ranges.map((range) => range.length),
      options,
    );
    if (this.#cached.length === 0) return parts;
    return parts.map((part, i) => this.#overlaid(part, ranges[i]?.address ?? 0));
  }

  async readUpTo(ranges: readonly MetadataRange[], options?: BlockOptions): Promise<readonly Uint8Array[]> {
    const clipped = ranges.map(({ address, length }) => ({
      address,
      length: Math.max(Math.min(length, this.size - this.base - address), 0),
    }));
    return await this.read(clipped, options);
  }

  async readEach(
    ranges: readonly MetadataRange[],
    options?: BlockOptions,
  ): Promise<readonly (Uint8Array | MoraineError)[]> {
    const faults = ranges.map(({ address, length }) => this.#blocks.faultOf(this.base + address, length));
    const sound = faults.every((fault) => fault === undefined);
    const parts = await this.read(sound ? ranges : ranges.filter((_, i) => !faults[i]), options);
    if (sound) return parts;
    let next = 0;
    return faults.map((fault) => fault ?? parts[next++] ?? new Uint8Array(0));
  }

  #overlaid(part: Uint8Array, address: number): Uint8Array {
    const end = address + part.length;
    let bytes: Uint8Array | undefined;
    for (const entry of this.#cached) {
      if (entry.address >= end || entry.address + entry.image.length <= address) continue;
      bytes ??= part.slice();
      const skip = Math.max(address - entry.address, 0);
      const image = entry.image.subarray(skip, end - entry.address);
      bytes.set(image, entry.address + skip - address);
    }
    return bytes ?? part;
  }
}
