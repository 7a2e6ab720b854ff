/**
 * A cache of things that are made once and never change, limited by their weight. As several may wait for one
 * making, a making cannot be cancelled by one of them.
 *
 * @module
 */

interface Entry<Value> {
  readonly value: Promise<Value>;
  /** The value when it has been made. */
  made: Value | undefined;
  weight: number;
}

export class RecentlyUsed<Key, Value> {
  readonly #limit: number;
  /** Oldest use first. */
  readonly #entries = new Map<Key, Entry<Value>>();
  #weight = 0;

  /** @param limit sum of the weights that are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of a key, made where it is not there; those who ask at the same time share one making. */
  async get(key: Key, make: () => Promise<Value>, weigh: (value: Value) => number): Promise<Value> {
    const found = this.#entries.get(key);
    if (found) {
      this.#entries.delete(key);
      this.#entries.set(key, found);
      return found.value;
    }
    const entry: Entry<Value> = { value: make(), made: undefined, weight: 0 };
    this.#entries.set(key, entry);
    try {
      const value = await entry.value;
      if (this.#entries.get(key) === entry) {
        entry.made = value;
        entry.weight = weigh(value);
        this.#weight += entry.weight;
        this.#trim();
      }
      return value;
    } catch (error) {
      // A failure is not remembered: the next one tries again.
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  /** The value of a key where it is there already. */
  atHand(key: Key): Value | undefined {
    const found = this.#entries.get(key);
    if (found?.made === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found.made;
  }

  /** Keeps a value that was made elsewhere. */
  put(key: Key, value: Value, weight: number): void {
    this.#weight += weight - (this.#entries.get(key)?.weight ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, { value: Promise.resolve(value), made: value, weight });
    this.#trim();
  }

  #trim(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= this.#limit) return;
      this.#entries.delete(key);
      this.#weight -= entry.weight;
    }
  }
}
