/**
 * Reads object headers with all their chunks (specification 4.0, IV.A "Data Object Headers").
 *
 * @module
 */

import { MoraineError } from "../../errors.ts";
import type { StorageOptions } from "../../storage/storage.ts";
import { CHECKSUM, signedBlock } from "./checked-block.ts";
import { faultOf } from "./faults.ts";
import type { MetadataRange, MetadataSource } from "./metadata-source.ts";
import { type HeaderPrefix, parseChunk, parsePrefix, type StoredMessage } from "./object-header-chunk.ts";
import { OverlapGuard } from "./overlap-guard.ts";

/** Bytes read in the hope that they hold the first chunk. */
const GUESS = 512;
/** Headers that are remembered. */
const REMEMBERED = 65_536;
const CONTINUATION_SIGNATURE = "OCHK";

type Messages = readonly StoredMessage[];

/** The headers of one file as they are stored, each read once. */
export class StoredHeaders {
  readonly #metadata: MetadataSource;
  readonly #known = new Map<number, Promise<Messages | MoraineError>>();

  constructor(metadata: MetadataSource) {
    this.#metadata = metadata;
  }

  /** The messages of the header at an address, in the order of its chunks; throws its fault. */
  async read(address: number, options: StorageOptions = {}): Promise<Messages> {
    const [found = []] = await this.readAll([address], options);
    if (found instanceof MoraineError) throw found;
    return found;
  }

  /** The messages of each header, or its fault; in as many rounds as the header of the most steps takes. */
  async readAll(
    addresses: readonly number[],
    options: StorageOptions = {},
  ): Promise<readonly (Messages | MoraineError)[]> {
    const fresh = [...new Set(addresses)].filter((address) => !this.#known.has(address));
    if (fresh.length > 0) {
      const reading = readHeaders(this.#metadata, fresh, options);
      for (const [i, address] of fresh.entries()) {
        this.#known.set(
          address,
          reading.then((headers) => headers[i] ?? []),
        );
      }
    }
    const wanted = addresses.map((address) => this.#known.get(address) ?? []);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= REMEMBERED) break;
      this.#known.delete(oldest);
    }
    try {
      return await Promise.all(wanted);
    } catch (error) {
      // A fault stays; what the network did to this attempt does not.
      for (const address of fresh) this.#known.delete(address);
      throw error;
    }
  }
}

/** A chunk of one of the headers that are being read. */
interface WantedChunk extends MetadataRange {
  /** Which header. */
  readonly header: number;
  /** Undefined for the first bytes, which tell it. */
  readonly prefix: HeaderPrefix | undefined;
  readonly isFirst: boolean;
  /** Of the header. */
  readonly guard: OverlapGuard;
}

/** Reads headers side by side, a chunk of each at a time. */
async function readHeaders(
  metadata: MetadataSource,
  addresses: readonly number[],
  options: StorageOptions,
): Promise<(StoredMessage[] | MoraineError)[]> {
  const left = metadata.size - metadata.base;
  const results: (StoredMessage[] | MoraineError)[] = addresses.map(() => []);
  let wanted = addresses.map((address, header): WantedChunk => {
    const length = Math.max(Math.min(GUESS, left - address), 0);
    const guard = new OverlapGuard(metadata, "the chunks of an object header");
    return { header, address, length, prefix: undefined, isFirst: true, guard };
  });
  while (wanted.length > 0) {
    const chunks = await metadata.readEach(wanted, options);
    const next: WantedChunk[] = [];
    for (const [i, chunk] of wanted.entries()) {
      const bytes = chunks[i] ?? new Uint8Array(0);
      const messages = results[chunk.header];
      if (messages === undefined || messages instanceof MoraineError) continue;
      try {
        if (bytes instanceof MoraineError) throw bytes;
        readChunk(metadata, chunk, bytes, messages, next);
      } catch (error) {
        results[chunk.header] = faultOf(error);
      }
    }
    wanted = next;
  }
  return results;
}

/** @param next is given what else of the header has to be read */
function readChunk(
  metadata: MetadataSource,
  wanted: WantedChunk,
  bytes: Uint8Array,
  messages: StoredMessage[],
  next: WantedChunk[],
): void {
  const { header, address, guard } = wanted;
  const prefix = wanted.prefix ?? parsePrefix(metadata, bytes, address);
  let { length } = wanted;
  let before = 0;
  if (wanted.isFirst) {
    before = prefix.length;
    length = before + prefix.chunkLength + (prefix.version === 2 ? CHECKSUM : 0);
    if (wanted.prefix === undefined) {
      guard.enter(address, length);
      if (length > bytes.length) {
        next.push({ header, address, length, prefix, isFirst: true, guard });
        return;
      }
    }
  } else if (prefix.version === 2) {
    before = CONTINUATION_SIGNATURE.length;
    signedBlock(metadata, bytes, address, CONTINUATION_SIGNATURE);
  }
  // Bodies live as long as the header does: not as views of a whole block.
  const own = bytes.slice(0, length);
  for (const further of parseChunk(metadata, prefix, own, address, before, messages)) {
    guard.enter(further.address, further.length);
    next.push({ header, ...further, prefix, isFirst: false, guard });
  }
}
