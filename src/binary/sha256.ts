/**
 * SHA-256 of bytes that come in parts (FIPS 180-4). The platform's own hash is used where its entry names one.
 *
 * @module
 */

/** A hash under way. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** The digest in hexadecimal; nothing may be added afterwards. */
  digest(): string;
}

let make: () => Sha256 = () => new PortableSha256();

/** Begins a hash. */
export function createSha256(): Sha256 {
  return make();
}

/** Puts a platform's own hash in place. Called by `node.ts`. */
export function useNativeSha256(maker: () => Sha256): void {
  make = maker;
}

/** Fractional parts of the square and cube roots of the first primes, as the standard derives its constants. */
const primes: number[] = [];
for (let candidate = 2; primes.length < 64; candidate++) {
  if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
}
const fraction = (root: number): number => (root - Math.floor(root)) * 2 ** 32;
const ROUND: Uint32Array = Uint32Array.from(primes, (prime) => fraction(Math.cbrt(prime)));
const START: Uint32Array = Uint32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/** The hash in JavaScript. */
export class PortableSha256 implements Sha256 {
  readonly #state: Uint32Array = START.slice();
  readonly #block = new Uint8Array(64);
  readonly #words = new Uint32Array(64);
  #filled = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    while (at < bytes.length) {
      const take = Math.min(64 - this.#filled, bytes.length - at);
      if (take === 64) {
        this.#compress(bytes, at);
      } else {
        this.#block.set(bytes.subarray(at, at + take), this.#filled);
        this.#filled += take;
        if (this.#filled === 64) {
          this.#compress(this.#block, 0);
          this.#filled = 0;
        }
      }
      at += take;
    }
  }

  digest(): string {
    const bits = this.#length * 8;
    const padding = new Uint8Array((this.#filled < 56 ? 56 : 120) - this.#filled + 8);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32));
    view.setUint32(padding.length - 4, bits >>> 0);
    this.update(padding);
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, "0")).join("");
  }

  #compress(bytes: Uint8Array, at: number): void {
    const words = this.#words;
    for (let i = 0; i < 16; i++) {
      const from = at + i * 4;
      words[i] =
        ((bytes[from] ?? 0) << 24) |
        ((bytes[from + 1] ?? 0) << 16) |
        ((bytes[from + 2] ?? 0) << 8) |
        (bytes[from + 3] ?? 0);
    }
    for (let i = 16; i < 64; i++) {
      const early = words[i - 15] ?? 0;
      const late = words[i - 2] ?? 0;
      const s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      words[i] = ((words[i - 16] ?? 0) + s0 + (words[i - 7] ?? 0) + s1) | 0;
    }
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state;
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const first = (h + s1 + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + (words[i] ?? 0)) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => {
      this.#state[i] = (this.#state[i] ?? 0) + word;
    });
  }
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
