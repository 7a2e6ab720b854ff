/**
 * Lengths of Huffman codes from how often symbols occur.
 *
 * @module
 */

/** What bzip2's own encoder keeps to, so that every decoder's tables hold them. */
const LONGEST = 17;

/** The length of each symbol's code, 1 to 17 bits. Symbols that do not occur have codes too. */
export function codeLengths(counts: Float64Array): Uint8Array {
  for (let weights = counts.map((count) => count + 1); ; ) {
    const lengths = huffmanLengths(weights);
    if (lengths.every((length) => length <= LONGEST)) return lengths;
    // Flatter weights make shorter codes.
    weights = weights.map((weight) => Math.floor(weight / 2) + 1);
  }
}

function huffmanLengths(weights: Float64Array): Uint8Array {
  interface Tree {
    readonly weight: number;
    readonly members: readonly number[];
  }
  const lengths = new Uint8Array(weights.length);
  const trees: Tree[] = Array.from(weights, (weight, symbol) => ({ weight, members: [symbol] }));
  while (trees.length > 1) {
    trees.sort((a, b) => b.weight - a.weight);
    const [first, second] = [trees.pop(), trees.pop()];
    const members = [...(first?.members ?? []), ...(second?.members ?? [])];
    for (const symbol of members) lengths[symbol] = (lengths[symbol] ?? 0) + 1;
    trees.push({ weight: (first?.weight ?? 0) + (second?.weight ?? 0), members });
  }
  return lengths;
}
