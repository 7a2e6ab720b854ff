import { MemoryStorage } from "../../../src/storage/memory.ts";
import type { ByteRange, ReadOptions, ReadResult, Version } from "../../../src/storage/storage.ts";

/** A storage that holds its answers back until the next turn, counts them, and can be told to fail. */
export class CountingStorage extends MemoryStorage {
  /** The ranges of each read. */
  readonly reads: (readonly ByteRange[])[] = [];
  /** Reads that were made while no other was under way. */
  rounds = 0;
  failWith: Error | undefined;
  #underWay = 0;

  override async read(
    address: string,
    ranges: readonly ByteRange[],
    options?: ReadOptions,
  ): Promise<ReadResult> {
    if (this.#underWay === 0) this.rounds += 1;
    this.#underWay += 1;
    this.reads.push(ranges);
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.failWith) throw this.failWith;
      return await super.read(address, ranges, options);
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Puts a file there and forgets what was counted. */
  async hold(address: string, bytes: Uint8Array): Promise<Version> {
    const version = await this.write(address, bytes);
    this.reads.length = 0;
    this.rounds = 0;
    return version;
  }
}
