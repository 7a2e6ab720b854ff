/**
 * What the benches of Zarr arrays read and write, and how they tell their times.
 *
 * @module
 */

/** Elements along both axes of the field. */
export const SIDE = 4096;

/** A smooth field of 64 MiB with noise, rounded: compresses about as weather does. */
export function makeField(): Float32Array {
  const field = new Float32Array(SIDE * SIDE);
  let state = 20261125;
  for (let y = 0, at = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, at++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const value = 273 + 15 * Math.sin(y * 0.03) + 8 * Math.sin(x * 0.05 + y * 0.01);
      field[at] = Math.round((value + (0.25 * state) / 2 ** 32) * 100) / 100;
    }
  }
  return field;
}

/** The middle one; no number where there is none. */
export function median(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

/** Seconds as milliseconds, with a digit more where they are few. */
export function milliseconds(seconds: number | undefined): string {
  return seconds === undefined ? "" : (seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0);
}
