/**
 * A folder of what scans found, a file for each source: an index that was interrupted goes on where it was.
 *
 * @module
 */

import { createSha256 } from "../../binary/sha256.ts";
import { isMoraineError, MoraineError } from "../../errors.ts";
import type { ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import { groupNodeOf, type VirtualArray } from "../../manifest/virtual-group.ts";
import { joinAddress } from "../../storage/address.ts";
import type { StorageRouter } from "../../storage/router.ts";
import type { Version } from "../../storage/storage.ts";
import { requireVersion, sameVersion } from "../../storage/version.ts";
import { nodeBelow } from "../../zarr/tree.ts";
import { withChunkCache } from "../chunk-cache.ts";
import { addressOf, openSource, type SourceOptions } from "../open.ts";
import type { OpenedSource, SourceFormat } from "../source.ts";
import { MetadataTexts } from "./metadata-texts.ts";
import { OwnReads } from "./own-reads.ts";
import { decodeManifest, type RecordedManifest, refuse } from "./recorded-manifest.ts";
import { type RecordedContents, recordedRoot } from "./recorded-nodes.ts";
import { encodeScan, parseScan, type ScanRecord } from "./scan-record.ts";

/** Formats that are one file; what others hold is not known by the version of one object. */
const RECORDED: readonly SourceFormat[] = ["hdf5", "netcdf3"];
/** Columns up to this size stay in memory: a file that is opened for each would cost more than it saves. */
const KEPT_BYTES = 1024;

export type JournalOptions = SourceOptions & { readonly storage: StorageRouter };

/**
 * Opens sources, from their records where they have not changed since.
 *
 * What stays in memory of a source is its metadata (the same ones of many sources once), its attributes, and chunk
 * manifests of at most 1 KiB each; larger ones are read from the record whenever they are asked for. Arrays behind a
 * barrier open their file again when their chunks are asked for.
 *
 * @example
 * const journal = new Journal("file:///tmp/journal", { storage });
 * const source = await journal.open("file:///data/a.nc");
 */
export class Journal {
  readonly #folder: string;
  readonly #options: JournalOptions;
  readonly #texts = new MetadataTexts();

  /** @param folder made when it is needed */
  constructor(folder: string, options: JournalOptions) {
    this.#folder = addressOf(folder);
    this.#options = options;
  }

  /** Whether an address is one of the journal's own. */
  holds(address: string | undefined): boolean {
    return address?.startsWith(this.#folder) === true;
  }

  /** Opens a source. Errors: those of `openSource`, and those of writing the record. */
  async open(address: string): Promise<OpenedSource> {
    const place = this.#placeOf(address);
    const known = await this.#recorded(place, address);
    if (known) return known;
    const reads = new OwnReads(this.#options.storage, address);
    const source = await openSource(address, { ...this.#options, storage: reads });
    if (!RECORDED.includes(source.format)) return source;
    const bytes = await encodeScan(source, () => reads.version, this.#texts, this.#options);
    if (bytes === undefined) return source;
    const { signal, storage } = this.#options;
    const version = await storage.write(place, bytes, { signal, durable: false });
    return this.#restore(place, version, bytes);
  }

  #placeOf(address: string): string {
    const hash = createSha256();
    hash.update(new TextEncoder().encode(address));
    const name = hash.digest();
    return joinAddress(this.#folder, `${name.slice(0, 2)}/${name}.scan`);
  }

  /** From its record; undefined where there is none, a torn one, or one of another version. */
  async #recorded(place: string, address: string): Promise<OpenedSource | undefined> {
    const { storage, signal } = this.#options;
    try {
      const { parts, version } = await storage.read(place, [{ offset: 0 }], { signal });
      const bytes = parts[0] ?? new Uint8Array(0);
      const record = parseScan(bytes);
      if (record.address !== address) return undefined;
      const now = await storage.head(address, { signal });
      return isSurelySame(now, record.version) ? this.#restore(place, version, bytes, record) : undefined;
    } catch (error) {
      // A source that is gone is told of by its scan.
      if (isMoraineError(error) && UNUSABLE.has(error.code)) return undefined;
      throw error;
    }
  }

  #restore(
    place: string,
    placeVersion: Version,
    bytes: Uint8Array,
    record: ScanRecord = parseScan(bytes),
  ): OpenedSource {
    const format = RECORDED.find((name) => name === record.format);
    if (format === undefined) throw refuse();
    const { storage, cacheBytes } = this.#options;
    const contents = this.#contentsOf(place, placeVersion, bytes, record);
    const root = groupNodeOf(recordedRoot(record, this.#texts, contents));
    return {
      address: record.address,
      format,
      root,
      storage: withChunkCache(storage, cacheBytes),
      isNative: () => false,
      statistics: () => storage.statistics,
      close: () => Promise.resolve(),
    };
  }

  /** Apart: what lives as long as the source must not share a scope with the bytes of its whole record. */
  #contentsOf(place: string, version: Version, bytes: Uint8Array, record: ScanRecord): RecordedContents {
    return {
      loader: (recorded, at) => this.#loader(place, version, bytes, recorded, at),
      array: this.#arraysOf(record),
    };
  }

  #loader(
    place: string,
    version: Version,
    bytes: Uint8Array,
    recorded: RecordedManifest,
    at: number,
  ): ManifestLoader {
    if (recorded.bytes <= KEPT_BYTES) {
      const columns = bytes.slice(at, at + recorded.bytes);
      return () => Promise.resolve(decodeManifest(recorded, columns));
    }
    return this.#fromRecord(place, version, recorded, at);
  }

  /** Apart, so that it does not keep the bytes of the whole record. */
  #fromRecord(place: string, version: Version, recorded: RecordedManifest, at: number): ManifestLoader {
    const { storage } = this.#options;
    const range = { offset: at, length: recorded.bytes };
    return async (options) => {
      const { parts } = await storage.read(place, [range], { signal: options?.signal, version });
      return decodeManifest(recorded, parts[0] ?? new Uint8Array(0));
    };
  }

  /** Arrays of the file itself, which is opened when the first is asked for. Errors: `SourceChanged`. */
  #arraysOf({ address, version }: ScanRecord): RecordedContents["array"] {
    let opened: Promise<OpenedSource> | undefined;
    const open = async (): Promise<OpenedSource> => {
      const reads = new OwnReads(this.#options.storage, address);
      const source = await openSource(address, { ...this.#options, storage: reads });
      const now = reads.version;
      if (now === undefined) throw changed(address);
      requireVersion(address, now, version);
      return source;
    };
    return async (path, isStored, options): Promise<VirtualArray> => {
      opened ??= open();
      const node = await nodeBelow((await opened).root, path, options);
      const array: VirtualArray | undefined = node?.kind === "array" ? node : undefined;
      const found = isStored ? array?.stored : array;
      if (found !== undefined) return found;
      throw changed(address, path);
    };
  }
}

const UNUSABLE: ReadonlySet<string> = new Set([
  "NotFound",
  "InvalidMetadata",
  "UnsupportedDataType",
  "UnsupportedCodec",
  "UnsupportedLayout",
  "UnsupportedVersion",
  "LimitExceeded",
  "NumberTooLarge",
]);

/** Whether two versions are of one state by more than their silence. */
function isSurelySame(a: Version, b: Version): boolean {
  const tags = [a.etag, b.etag].every((etag) => etag !== undefined && !etag.startsWith("W/"));
  const times = [a, b].every(({ size, lastModified }) => size !== undefined && lastModified !== undefined);
  return (tags || times) && sameVersion(a, b);
}

function changed(source: string, path?: string): MoraineError {
  return new MoraineError("SourceChanged", "it is not what it was when it was scanned", { source, path });
}
