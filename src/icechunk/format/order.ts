/**
 * The orders in which Icechunk keeps its vectors. Readers search them by bisection, so a wrong order hides what
 * is there. JavaScript compares strings by UTF-16 units, which differs from the order of their UTF-8 bytes
 * beyond the basic plane.
 *
 * @module
 */

/** Compares byte by byte, shorter first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Compares texts as their UTF-8 bytes compare: surrogates above all other units. */
export function compareUtf8(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** UTF-16 units in the order of the code points they begin: surrogates stand for those beyond U+FFFF. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** Compares identifiers, whose texts are ASCII. */
export function compareIdentifiers(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares paths name by name: `/a < /a/b < /a-b`. Only moves are ordered so. */
export function comparePathsByName(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareUtf8(left[i] ?? "", right[i] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Compares the coordinates of two chunks axis by axis. */
export function compareCoordinates(
  a: Uint32Array,
  atA: number,
  b: Uint32Array,
  atB: number,
  rank: number,
): number {
  for (let axis = 0; axis < rank; axis++) {
    const difference = (a[atA + axis] ?? 0) - (b[atB + axis] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
