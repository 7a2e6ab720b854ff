/**
 * The storage of one scan: notes whether anything but the source itself was asked for, and remembers its first bytes.
 *
 * @module
 */

import type { StorageEvent, StorageStatistics, Traffic } from "../../storage/events.ts";
import { StorageRouter } from "../../storage/router.ts";
import type {
  ByteRange,
  DeleteOptions,
  ListedObject,
  ReadOptions,
  ReadResult,
  StorageOptions,
  Version,
  WriteOptions,
} from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";

/** Passes everything on to another storage. */
export class OwnReads extends StorageRouter {
  override readonly statistics: StorageStatistics;
  readonly #storage: StorageRouter;
  readonly #address: string;
  #version: Version | undefined;
  #isPure = true;
  /** What the first read from the beginning of the source gave. */
  #head: { readonly bytes: Uint8Array; readonly version: Version } | undefined;

  /** @param address the source */
  constructor(storage: StorageRouter, address: string) {
    super();
    this.#storage = storage;
    this.#address = address;
    this.statistics = storage.statistics;
  }

  /**
   * The version that all bytes so far are of; undefined where some are of another, or other objects (external
   * files, sources of virtual datasets) were asked for.
   */
  get version(): Version | undefined {
    return this.#isPure ? this.#version : undefined;
  }

  /** Whether a range lies in the bytes that are remembered. */
  has(address: string, offset: number, length: number): boolean {
    const end = address === this.#address ? (this.#head?.bytes.length ?? 0) : 0;
    return offset >= 0 && length >= 0 && offset + length <= end;
  }

  /** A copy of bytes of the source that {@link has} told of. */
  bytesAt(offset: number, length: number): Uint8Array | undefined {
    return this.#head?.bytes.slice(offset, offset + length);
  }

  override async read(
    address: string,
    ranges: readonly ByteRange[],
    options?: ReadOptions,
  ): Promise<ReadResult> {
    if (address !== this.#address) this.#isPure = false;
    const known = this.#remembered(address, ranges, options);
    if (known !== undefined) return known;
    const result = await this.#storage.read(address, ranges, options);
    if (address === this.#address) {
      this.#note(result.version);
      const [bytes] = result.parts;
      if (ranges[0]?.offset === 0 && bytes) this.#head ??= { bytes, version: result.version };
    }
    return result;
  }

  /** Parts of the first bytes, as the version that they are of; undefined where other bytes are asked for too. */
  #remembered(
    address: string,
    ranges: readonly ByteRange[],
    options: ReadOptions | undefined,
  ): ReadResult | undefined {
    const head = this.#head;
    if (
      head === undefined ||
      options?.allocate !== undefined ||
      !sameVersion(head.version, options?.version ?? {})
    )
      return undefined;
    const parts: Uint8Array[] = [];
    for (const { offset, length } of ranges) {
      if (length === undefined || !this.has(address, offset, length)) return undefined;
      parts.push(head.bytes.subarray(offset, offset + length));
    }
    return { parts, version: head.version };
  }

  override async head(
    address: string,
    options?: StorageOptions,
  ): Promise<Version & { readonly size: number }> {
    if (address !== this.#address) this.#isPure = false;
    const version = await this.#storage.head(address, options);
    if (address === this.#address) this.#note(version);
    return version;
  }

  #note(version: Version): void {
    this.#version ??= version;
    if (!sameVersion(version, this.#version)) this.#isPure = false;
  }

  override async *list(
    prefix: string,
    options?: StorageOptions,
  ): AsyncGenerator<ListedObject, void, undefined> {
    this.#isPure = false;
    yield* this.#storage.list(prefix, options);
  }

  override async *names(folder: string, options?: StorageOptions): AsyncGenerator<string, void, undefined> {
    this.#isPure = false;
    yield* this.#storage.names(folder, options);
  }

  override write(address: string, bytes: Uint8Array, options?: WriteOptions): Promise<Version> {
    return this.#storage.write(address, bytes, options);
  }

  override delete(addresses: readonly string[], options?: DeleteOptions): Promise<void> {
    return this.#storage.delete(addresses, options);
  }

  override trafficOf(address: string): Readonly<Traffic> {
    return this.#storage.trafficOf(address);
  }

  override record(event: StorageEvent): void {
    this.#storage.record(event);
  }
}
