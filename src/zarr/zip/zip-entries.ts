/**
 * The values of entries in a zip archive, whole or by ranges.
 *
 * @module
 */

import { crc32 } from "../../binary/crc32.ts";
import { native } from "../../codecs/native.ts";
import { MoraineError } from "../../errors.ts";
import type { ByteRange, Storage, StorageOptions } from "../../storage/storage.ts";
import {
  DEFLATED,
  LOCAL_HEADER,
  LOCAL_HEADER_BYTES,
  STORED,
  type ZipDirectory,
  type ZipEntry,
  zipName,
} from "./zip-directory.ts";

/** An entry whose value is larger is refused: it would be held whole. Bytes. */
const MOST_BYTES = 2 ** 31;

/** Reads entries of one archive. */
export class ZipEntries {
  readonly #storage: Storage;
  readonly #archive: string;
  readonly #directory: ZipDirectory;
  /** Where the bytes of entries begin, of those that were read. */
  readonly #starts = new Map<string, number>();

  constructor(storage: Storage, archive: string, directory: ZipDirectory) {
    this.#storage = storage;
    this.#archive = archive;
    this.#directory = directory;
  }

  get version(): ZipDirectory["version"] {
    return this.#directory.version;
  }

  get(name: string): ZipEntry | undefined {
    return name.endsWith("/") ? undefined : this.#directory.entries.get(name);
  }

  /** Of all entries that are no folders. */
  names(): string[] {
    return [...this.#directory.entries.keys()].filter((name) => !name.endsWith("/"));
  }

  /** The value of an entry, its checksum verified. */
  async readWhole(entry: ZipEntry, address: string, options: StorageOptions): Promise<Uint8Array> {
    if (entry.size > MOST_BYTES) {
      throw new MoraineError("LimitExceeded", `an entry of ${entry.size} bytes`, { source: address });
    }
    const stored = await this.readStored(entry, address, options);
    const bytes = decompress(entry, stored, address);
    if (bytes.length !== entry.size || crc32(bytes) !== entry.crc32) {
      throw new MoraineError("ChecksumMismatch", "the entry of the zip archive is damaged", {
        source: address,
      });
    }
    return bytes;
  }

  /** The bytes of an entry as they are in the archive, in one request. */
  async readStored(entry: ZipEntry, address: string, options: StorageOptions): Promise<Uint8Array> {
    const { headerOffset, compressedSize, end } = entry;
    const version = this.#directory.version;
    // Local headers are not longer than this in practice; if one is, a second request follows.
    const most = LOCAL_HEADER_BYTES + entry.nameLength + 512 + compressedSize;
    const length = Math.min(end - headerOffset, most);
    const { parts } = await this.#storage.read(this.#archive, [{ offset: headerOffset, length }], {
      ...options,
      version,
    });
    const found = parts[0] ?? new Uint8Array(0);
    const start = dataStart(entry, found, address);
    this.#starts.set(entry.name, headerOffset + start);
    if (start + compressedSize <= found.length) return found.subarray(start, start + compressedSize);
    if (start + compressedSize > end - headerOffset) throw overlap(entry, address);
    const again = await this.#storage.read(
      this.#archive,
      [{ offset: headerOffset + start, length: compressedSize }],
      {
        ...options,
        version,
      },
    );
    return again.parts[0] ?? new Uint8Array(0);
  }

  /** Parts of the value of an entry that is stored as it is. */
  async readParts(
    entry: ZipEntry,
    address: string,
    ranges: readonly ByteRange[],
    options: StorageOptions,
  ): Promise<readonly Uint8Array[]> {
    const version = this.#directory.version;
    let start = this.#starts.get(entry.name);
    if (start === undefined) {
      const length = Math.min(LOCAL_HEADER_BYTES + entry.nameLength, entry.end - entry.headerOffset);
      const { parts } = await this.#storage.read(this.#archive, [{ offset: entry.headerOffset, length }], {
        ...options,
        version,
      });
      start = entry.headerOffset + dataStart(entry, parts[0] ?? new Uint8Array(0), address);
      if (start + entry.compressedSize > entry.end) throw overlap(entry, address);
      this.#starts.set(entry.name, start);
    }
    const first = start;
    const within = ranges.map((range) => {
      const offset = range.offset < 0 ? Math.max(0, entry.size + range.offset) : range.offset;
      const length = range.length ?? entry.size - offset;
      if (length < 0 || offset + length > entry.size) {
        throw new MoraineError("TruncatedFile", `the entry has ${entry.size} bytes`, {
          source: address,
          offset,
        });
      }
      return { offset: first + offset, length };
    });
    const { parts } = await this.#storage.read(this.#archive, within, { ...options, version });
    return parts;
  }
}

/** Bytes from the local header to the data. */
function dataStart(entry: ZipEntry, header: Uint8Array, address: string): number {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (header.length < LOCAL_HEADER_BYTES || view.getUint32(0, true) !== LOCAL_HEADER) {
    throw new MoraineError("CorruptFile", "the entry of the zip archive has no header", {
      source: address,
      offset: entry.headerOffset,
    });
  }
  const nameLength = view.getUint16(26, true);
  // The directory says which value this is; where it was damaged, the value itself says something else.
  const name = zipName(header.subarray(LOCAL_HEADER_BYTES, LOCAL_HEADER_BYTES + nameLength));
  if (name !== entry.name) {
    throw new MoraineError(
      "CorruptFile",
      `the zip directory calls an entry "${entry.name}", itself "${name}"`,
      {
        source: address,
        offset: entry.headerOffset,
      },
    );
  }
  return LOCAL_HEADER_BYTES + nameLength + view.getUint16(28, true);
}

function overlap(entry: ZipEntry, address: string): MoraineError {
  return new MoraineError("CorruptFile", "the entry of the zip archive reaches into the next one", {
    source: address,
    offset: entry.headerOffset,
  });
}

function decompress(entry: ZipEntry, stored: Uint8Array, address: string): Uint8Array {
  if (entry.method === STORED) return stored;
  if (entry.method !== DEFLATED) {
    throw new MoraineError("UnsupportedLayout", `zip compression method ${entry.method}`, {
      source: address,
    });
  }
  try {
    return native.deflate.inflate(stored, "raw", entry.size);
  } catch (cause) {
    throw new MoraineError("CorruptFile", "the entry of the zip archive does not decompress", {
      source: address,
      cause,
    });
  }
}
