/**
 * A folder of what scans found, a file for each source: an index that was interrupted goes on where it was.
 *
 * @module
 */

import { createSha256 } from "../../binary/sha256.ts";
import { isMoraineError } from "../../errors.ts";
import type { ManifestLoader } from "../../manifest/manifest-chunk-source.ts";
import { joinAddress } from "../../storage/address.ts";
import type { Version } from "../../storage/storage.ts";
import { sameVersion } from "../../storage/version.ts";
import { addressOf } from "../open.ts";
import type { OpenedSource } from "../source.ts";
import { MetadataTexts } from "./metadata-texts.ts";
import { decodeManifest, type RecordedManifest } from "./recorded-manifest.ts";
import { encodeScan, parseScan } from "./scan-record.ts";
import type { ScannedFile } from "./scanned-file.ts";
import { type ScanOptions, sourceOfScan } from "./scanned-source.ts";

/** Columns up to this size stay in memory: a file that is opened for each would cost more than it saves. */
const KEPT_BYTES = 1024;

/**
 * Keeps what was found in sources, and gives them back where they have not changed since.
 *
 * What stays in memory of a source is its metadata (the same ones of many sources once), its attributes, the values of
 * small arrays, and chunk manifests of at most 1 KiB each; larger ones are read from the record whenever they are
 * asked for. Arrays behind a barrier open their file again when their chunks are asked for.
 *
 * @example
 * const journal = new Journal("file:///tmp/journal", { storage });
 * const source = await journal.find("file:///data/a.nc");
 */
export class Journal {
  readonly #folder: string;
  readonly #options: ScanOptions;
  readonly #texts = new MetadataTexts();

  /** @param folder made when it is needed */
  constructor(folder: string, options: ScanOptions) {
    this.#folder = addressOf(folder);
    this.#options = options;
  }

  /** Whether an address is one of the journal's own. */
  holds(address: string | undefined): boolean {
    return address?.startsWith(this.#folder) === true;
  }

  /** From its record; undefined where there is none, a torn one, or one of another version. */
  async find(address: string): Promise<OpenedSource | undefined> {
    const { storage, signal } = this.#options;
    const place = this.#placeOf(address);
    try {
      const { parts, version } = await storage.read(place, [{ offset: 0 }], { signal });
      const bytes = parts[0] ?? new Uint8Array(0);
      const scanned = parseScan(bytes, this.#texts);
      if (scanned.address !== address) return undefined;
      const now = await storage.head(address, { signal });
      return isSurelySame(now, scanned.version) ? this.#restore(place, version, bytes, scanned) : undefined;
    } catch (error) {
      // A source that is gone is told of by its scan.
      if (isMoraineError(error) && UNUSABLE.has(error.code)) return undefined;
      throw error;
    }
  }

  /** Keeps what was scanned; undefined where it cannot be recorded as it is. Errors: those of writing. */
  async keep(scanned: ScannedFile): Promise<OpenedSource | undefined> {
    const bytes = encodeScan(scanned, this.#texts);
    if (bytes === undefined) return undefined;
    const { signal, storage } = this.#options;
    const place = this.#placeOf(scanned.address);
    const version = await storage.write(place, bytes, { signal, durable: false });
    return this.#restore(place, version, bytes, parseScan(bytes, this.#texts));
  }

  #placeOf(address: string): string {
    const hash = createSha256();
    hash.update(new TextEncoder().encode(address));
    const name = hash.digest();
    return joinAddress(this.#folder, `${name.slice(0, 2)}/${name}.scan`);
  }

  #restore(
    place: string,
    placeVersion: Version,
    bytes: Uint8Array,
    scanned: ScannedFile<RecordedManifest>,
  ): OpenedSource {
    const loaderOf = (recorded: RecordedManifest) => this.#loader(place, placeVersion, bytes, recorded);
    return sourceOfScan(scanned, loaderOf, this.#options);
  }

  #loader(place: string, version: Version, bytes: Uint8Array, recorded: RecordedManifest): ManifestLoader {
    const { at } = recorded;
    if (recorded.bytes > KEPT_BYTES) return this.#fromRecord(place, version, recorded);
    const columns = bytes.slice(at, at + recorded.bytes);
    return this.#fromColumns(recorded, columns);
  }

  /** Apart, as is the next: what lives as long as the source must not share a scope with the bytes of its record. */
  #fromColumns(recorded: RecordedManifest, columns: Uint8Array): ManifestLoader {
    return () => Promise.resolve(decodeManifest(recorded, columns));
  }

  #fromRecord(place: string, version: Version, recorded: RecordedManifest): ManifestLoader {
    const { storage } = this.#options;
    const range = { offset: recorded.at, length: recorded.bytes };
    return async (options) => {
      const { parts } = await storage.read(place, [range], { signal: options?.signal, version });
      return decodeManifest(recorded, parts[0] ?? new Uint8Array(0));
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
