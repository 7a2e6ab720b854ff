/**
 * Turns for chunks inside of this process: who reads a chunk to change it keeps it until the change is stored.
 *
 * @module
 */

/** For each owner of chunks the last turn that was given out for each of them. */
const turns = new WeakMap<object, Map<string, Promise<void>>>();

/**
 * Waits for the turn of some chunks. Whoever takes several takes them in the same order, so that no two wait for
 * each other.
 *
 * @param keys ascending in an order that is the same for everybody
 * @returns ends the turn
 */
export async function takeTurns(owner: object, keys: readonly string[]): Promise<() => void> {
  let ofOwner = turns.get(owner);
  if (ofOwner === undefined) {
    ofOwner = new Map();
    turns.set(owner, ofOwner);
  }
  const waiting = ofOwner;
  let end: () => void = () => undefined;
  const turn = new Promise<void>((resolve) => {
    end = resolve;
  });
  const before: Promise<void>[] = [];
  // All at once: nobody can come in between, so the order of the queues is the order of the calls.
  for (const key of keys) {
    const last = waiting.get(key);
    if (last) before.push(last);
    waiting.set(key, turn);
  }
  await Promise.all(before);
  return () => {
    end();
    for (const key of keys) if (waiting.get(key) === turn) waiting.delete(key);
  };
}
