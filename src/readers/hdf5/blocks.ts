/**
 * Blocks of arrays that have no chunks of their own.
 *
 * @module
 */

/** Bytes of a block. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * The shape of blocks that lie in one piece each: whole in the fastest axes, of at most {@link BLOCK_BYTES} where
 * that is possible.
 */
export function blockShape(shape: readonly number[], elementSize: number): number[] {
  const block = [...shape];
  let size = shape.reduce((product, length) => product * length, elementSize);
  for (let axis = 0; axis < shape.length && size > BLOCK_BYTES; axis++) {
    const length = shape[axis] ?? 1;
    const rest = size / length;
    block[axis] = Math.max(1, Math.floor(BLOCK_BYTES / rest));
    size = rest * (block[axis] ?? 1);
  }
  return block;
}
