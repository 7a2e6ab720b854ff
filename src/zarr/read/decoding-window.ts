/**
 * Bounds the chunks that are being decoded at a time.
 *
 * @module
 */

/** Decoded bytes at a time. One chunk that is larger than this goes alone. */
const DECODING_BYTES = 8 * 1024 * 1024;

/** Chunks that are being decoded, of all requests of a read. */
export class Decoding {
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= DECODING_BYTES;
  }

  begin(bytes: number): void {
    this.#bytes += bytes;
  }

  end(bytes: number): void {
    this.#bytes -= bytes;
    if (!this.isFull) this.#waiting.shift()?.();
  }

  async room(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    // Whoever else waits looks whether there still is room.
    this.#waiting.shift()?.();
  }
}

/** The chunks of one request that are being decoded. The first failure is what {@link add} or {@link finish} throws. */
export class DecodingWindow {
  readonly #decoding: Decoding;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(decoding: Decoding) {
    this.#decoding = decoding;
  }

  /**
   * Decodes a chunk when there is room for it.
   *
   * @param work gives a promise where it goes on elsewhere
   * @param bytes decoded
   * @returns a promise only where there is no room yet
   */
  add(work: () => Promise<void> | undefined, bytes: number): Promise<void> | undefined {
    if (this.#decoding.isFull) return this.#decoding.room().then(() => this.#begin(work, bytes));
    this.#begin(work, bytes);
    return undefined;
  }

  #begin(work: () => Promise<void> | undefined, bytes: number): void {
    this.#throwIfFailed();
    const done = work();
    if (done === undefined) return;
    this.#decoding.begin(bytes);
    const running = done
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#running.delete(running);
        this.#decoding.end(bytes);
      });
    this.#running.add(running);
  }

  /** Resolves when all have ended. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    this.#throwIfFailed();
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
