import { MemoryStorage } from "../../src/storage/memory.ts";
import type { ByteRange, ReadOptions, ReadResult, Version, WriteOptions } from "../../src/storage/storage.ts";

/** A storage in memory that tells what was asked of it. */
export class CountingStorage extends MemoryStorage {
  readonly reads: { readonly address: string; readonly ranges: readonly ByteRange[] }[] = [];
  readonly writes: string[] = [];
  /** Called before every write. */
  beforeWrite: ((address: string) => Promise<void>) | undefined;

  override async read(
    address: string,
    ranges: readonly ByteRange[],
    options?: ReadOptions,
  ): Promise<ReadResult> {
    this.reads.push({ address, ranges });
    return await super.read(address, ranges, options);
  }

  override async write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    await this.beforeWrite?.(address);
    this.writes.push(address);
    return await super.write(address, bytes, options);
  }

  reset(): void {
    this.reads.length = 0;
    this.writes.length = 0;
  }
}
