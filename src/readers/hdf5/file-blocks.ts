/**
 * The bytes of one file, fetched in few and merged requests and remembered.
 *
 * @module
 */

import { isMoraineError, MoraineError } from "../../errors.ts";
import { throwIfAborted } from "../../storage/abort.ts";
import type { Storage, StorageOptions, Version } from "../../storage/storage.ts";
import { type OpenOptions, readHead } from "../reader.ts";
import { joinedBytes, type Segment, Segments } from "./segments.ts";

/** A miss is widened to blocks of this size: what lies beside metadata is mostly metadata. */
const BLOCK = 64 * 1024;
/** Misses in more blocks than this at once are not worth their neighbours: they are widened to small blocks. */
const MANY = 64;
const SMALL_BLOCK = 4 * 1024;
/** Misses that go on where the last one ended double the block up to here. */
const LARGEST_BLOCK = 1024 * 1024;
/** A block that ends so near the end of the file goes on to it: writers put what they write last there. */
const TAIL = 256 * 1024;
/** No structure of metadata is larger; a length beyond is that of a broken file. */
const LARGEST_RANGE = 256 * 1024 * 1024;

export interface BlockOptions extends StorageOptions {
  /** Nobody will ask for these bytes again, nor for what lies beside them: fetched exactly, not remembered. */
  readonly once?: boolean | undefined;
}

/** A range that waits for the next request. */
interface Wanted {
  readonly offset: number;
  readonly length: number;
  resolve(bytes: Uint8Array): void;
  reject(error: unknown): void;
}

// Where there is a next turn of the event loop without a timer's millisecond, it is taken.
const soon: (task: () => void) => void =
  typeof setImmediate === "function" ? (task) => void setImmediate(task) : (task) => void setTimeout(task, 0);

/**
 * Reads ranges of a file by absolute offset. Everything that is asked for within one turn of the event loop goes
 * out as one call to the storage, which merges what lies near: whoever follows many structures side by side pays
 * one round trip a step. Holds at most 64 MiB.
 *
 * Errors: those of the storage; `SourceChanged` where the file is another one than at the first read;
 * `LimitExceeded` for a range of more than 256 MiB.
 */
export class FileBlocks {
  /** Address of the file. */
  readonly source: string;
  readonly version: Version;
  /** Bytes of the file. */
  readonly size: number;
  readonly #storage: Storage;
  readonly #segments = new Segments();
  #block = BLOCK;
  readonly #queues = new Map<AbortSignal | undefined, Wanted[]>();

  private constructor(source: string, storage: Storage, version: Version, size: number) {
    this.source = source;
    this.version = version;
    this.size = size;
    this.#storage = storage;
  }

  /** Reads the first block, unless it is at hand; it tells the version and the size too. */
  static async open(source: string, storage: Storage, options: OpenOptions = {}): Promise<FileBlocks> {
    const { bytes, version } = options.head ?? (await readHead(source, storage, options));
    const size = version.size ?? (await storage.head(source, { signal: options.signal })).size;
    const file = new FileBlocks(source, storage, { ...version, size }, size);
    if (bytes.length > 0) {
      file.#segments.insert({ start: 0, end: bytes.length, bytes, ready: Promise.resolve() });
    }
    return file;
  }

  /** Blocks are as large as the pages in which the file keeps its metadata together. */
  useBlockSize(bytes: number): void {
    if (bytes >= SMALL_BLOCK && bytes <= LARGEST_BLOCK) this.#block = bytes;
  }

  /** A part for each range, exactly as long as asked; `TruncatedFile` beyond the end. */
  async read(
    offsets: readonly number[],
    lengths: readonly number[],
    options: BlockOptions = {},
  ): Promise<Uint8Array[]> {
    throwIfAborted(options.signal);
    const parts = new Array<Uint8Array>(offsets.length);
    const waiting: Promise<unknown>[] = [];
    const missed: number[] = [];
    for (let i = 0; i < offsets.length; i++) {
      const [offset, length] = [offsets[i] ?? 0, lengths[i] ?? 0];
      const fault = this.faultOf(offset, length);
      if (fault) throw fault;
      const known = this.#segments.view(offset, length);
      if (known) parts[i] = known;
      else if (options.once && !this.#segments.cover(offset, offset + length)) {
        waiting.push(
          this.#fetch(offset, length, options.signal).then((bytes) => {
            parts[i] = bytes;
          }),
        );
      } else missed.push(i);
    }
    if (missed.length > 0) {
      const blocks = new Set<number>();
      for (const i of missed) blocks.add(Math.floor((offsets[i] ?? 0) / this.#block));
      const block = blocks.size > MANY ? SMALL_BLOCK : this.#block;
      for (const i of missed) {
        const reading = this.#load(offsets[i] ?? 0, lengths[i] ?? 0, block, options.signal);
        waiting.push(
          reading.then((bytes) => {
            parts[i] = bytes;
          }),
        );
      }
    }
    if (waiting.length > 0) await Promise.all(waiting);
    return parts;
  }

  /** Waits for the blocks that hold a range. */
  async #load(
    offset: number,
    length: number,
    block: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    for (;;) {
      const segments = this.#segmentsOf(offset, offset + length, block, signal);
      try {
        await Promise.all(segments.map((segment) => segment.ready));
        return joinedBytes(segments, offset, length);
      } catch (error) {
        // A request that is shared may have been cancelled by whoever made it: it is made again.
        if (!isMoraineError(error, "Aborted") || signal?.aborted) throw error;
      }
    }
  }

  /** Why a range cannot be read: `TruncatedFile` beyond the end, `LimitExceeded`; undefined where it can. */
  faultOf(offset: number, length: number): MoraineError | undefined {
    // Written so that numbers that are none are refused too.
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      const message = `${length} bytes at ${offset} reach beyond the end of the file`;
      return new MoraineError("TruncatedFile", message, { source: this.source, offset });
    }
    if (length > LARGEST_RANGE) {
      const message = `${length} bytes of metadata in one piece`;
      return new MoraineError("LimitExceeded", message, { source: this.source, offset });
    }
    return undefined;
  }

  /** The segments that hold a range; those that are not there yet are asked for, in whole blocks. */
  #segmentsOf(start: number, end: number, block: number, signal: AbortSignal | undefined): Segment[] {
    const found: Segment[] = [];
    for (let at = start; at < end; at = found.at(-1)?.end ?? end) {
      const [previous, next] = this.#segments.around(at);
      if (previous !== undefined && previous.end > at) {
        found.push(previous);
        continue;
      }
      const limit = next?.start ?? this.size;
      const from = Math.max(Math.floor(at / block) * block, previous?.end ?? 0);
      let to = Math.ceil(Math.min(limit, end) / block) * block;
      if (previous?.end === from && block !== SMALL_BLOCK) {
        to = Math.max(to, from + Math.min(2 * (previous.end - previous.start), LARGEST_BLOCK));
      }
      if (block !== SMALL_BLOCK && this.size - to <= TAIL) to = this.size;
      found.push(this.#request(from, Math.min(to, limit), signal));
    }
    return found;
  }

  #request(start: number, end: number, signal: AbortSignal | undefined): Segment {
    const fetched = this.#fetch(start, end - start, signal);
    const segment: Segment = {
      start,
      end,
      bytes: undefined,
      ready: fetched.then(
        (bytes) => {
          // A view would keep the whole merged request in memory.
          segment.bytes = bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
        },
        (error: unknown) => {
          this.#segments.remove(segment);
          throw error;
        },
      ),
    };
    // Whoever asked awaits it; the others must not see an unhandled rejection.
    segment.ready.catch(() => undefined);
    this.#segments.insert(segment);
    return segment;
  }

  /** Waits for the end of the turn, so that all ranges of it go out together. */
  #fetch(offset: number, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const queue = this.#queues.get(signal);
      const wanted = { offset, length, resolve, reject };
      if (queue) queue.push(wanted);
      else {
        this.#queues.set(signal, [wanted]);
        soon(() => void this.#send(signal));
      }
    });
  }

  async #send(signal: AbortSignal | undefined): Promise<void> {
    const queue = this.#queues.get(signal) ?? [];
    this.#queues.delete(signal);
    try {
      const { parts } = await this.#storage.read(
        this.source,
        queue.map(({ offset, length }) => ({ offset, length })),
        { signal, version: this.version },
      );
      queue.forEach((wanted, i) => {
        wanted.resolve(parts[i] ?? new Uint8Array(0));
      });
    } catch (error) {
      for (const wanted of queue) wanted.reject(error);
    }
  }
}
