/**
 * Floating point numbers of two bytes, exact in both directions (IEEE 754 binary16, and bfloat16).
 *
 * @module
 */

const scratch = new DataView(new ArrayBuffer(8));

/** The value of binary16 bits. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** The binary16 bits nearest to a value, ties to even. */
export function numberToFloat16(value: number): number {
  scratch.setFloat64(0, value);
  const sign = scratch.getUint8(0) & 0x80 ? 0x8000 : 0;
  if (Number.isNaN(value)) return sign | 0x7e00;
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | 0x7c00;
  // Below the smallest normal number steps are 2^-24, above they grow with the exponent.
  const exponent = magnitude < 2 ** -14 ? -14 : Math.floor(Math.log2(magnitude));
  const lower =
    magnitude < 2 ** exponent ? exponent - 1 : magnitude >= 2 ** (exponent + 1) ? exponent + 1 : exponent;
  const step = 2 ** (Math.max(lower, -14) - 10);
  const steps = roundTiesToEven(magnitude / step);
  const rounded = steps * step;
  if (rounded >= 65536 || (rounded > 65504 && magnitude >= 65520)) return sign | 0x7c00;
  if (rounded < 2 ** -14) return sign | Math.round(rounded * 2 ** 24);
  const power = Math.floor(Math.log2(rounded));
  return sign | ((power + 15) << 10) | (Math.round(rounded * 2 ** (10 - power)) - 1024);
}

/** The value of bfloat16 bits: the upper half of a binary32. */
export function bfloat16ToNumber(bits: number): number {
  scratch.setUint32(0, bits * 65536);
  return scratch.getFloat32(0);
}

/** The bfloat16 bits nearest to a value, ties to even. */
export function numberToBfloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  const rest = bits & 0xffff;
  const upper = bits >>> 16;
  return rest > 0x8000 || (rest === 0x8000 && upper & 1) ? upper + 1 : upper;
}

/** As `np.around`: halves go to the even neighbour. */
export function roundTiesToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const isUp = rest === 0.5 ? floor % 2 !== 0 : rest > 0.5;
  const rounded = isUp ? floor + 1 : floor;
  // What was below 0 stays so.
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}
