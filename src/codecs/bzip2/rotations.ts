/**
 * Sorting all rotations of a block, the heart of the Burrows-Wheeler transform.
 *
 * @module
 */

/**
 * Where each rotation starts, in the order of their bytes: by doubling how many bytes are compared, each time with
 * the ranks of the half before (Manber and Myers), and counting sorts.
 */
export function sortRotations(block: Uint8Array): Int32Array {
  const length = block.length;
  let order = new Int32Array(length);
  let ranks = Int32Array.from(block);
  const counts = new Int32Array(Math.max(256, length) + 1);
  const sortInto = (source: (i: number) => number, target: Int32Array): void => {
    counts.fill(0);
    for (let i = 0; i < length; i++) counts[(ranks[i] ?? 0) + 1] = (counts[(ranks[i] ?? 0) + 1] ?? 0) + 1;
    for (let i = 1; i < counts.length; i++) counts[i] = (counts[i] ?? 0) + (counts[i - 1] ?? 0);
    for (let i = 0; i < length; i++) {
      const start = source(i);
      const rank = ranks[start] ?? 0;
      const place = counts[rank] ?? 0;
      target[place] = start;
      counts[rank] = place + 1;
    }
  };
  sortInto((i) => i, order);
  for (let compared = 0; ; compared = Math.max(1, 2 * compared)) {
    if (compared > 0) {
      // Those whose second half comes first stand first; a stable sort by the first half keeps that order.
      const previous = order;
      const next = new Int32Array(length);
      sortInto((i) => ((previous[i] ?? 0) - compared + length) % length, next);
      order = next;
    }
    const renamed = new Int32Array(length);
    let rank = 0;
    for (let i = 1; i < length; i++) {
      const [a, b] = [order[i - 1] ?? 0, order[i] ?? 0];
      const isSame =
        ranks[a] === ranks[b] &&
        (compared === 0 || ranks[(a + compared) % length] === ranks[(b + compared) % length]);
      if (!isSame) rank += 1;
      renamed[b] = rank;
    }
    ranks = renamed;
    // Blocks that repeat themselves have rotations that are equal whatever their order.
    if (rank === length - 1 || 2 * Math.max(compared, 0.5) >= length) return order;
  }
}
