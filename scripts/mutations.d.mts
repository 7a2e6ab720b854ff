export interface Random {
  next(): number;
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
}
export interface CheckedBlock {
  readonly start: number;
  readonly end: number;
  readonly at: number;
}
type Checksum = (bytes: Uint8Array) => number;
export function randomOf(seed: number): Random;
export function checkedBlocks(bytes: Uint8Array, checksum: Checksum, longest: number): CheckedBlock[];
export function mutate(
  bytes: Uint8Array,
  blocks: readonly CheckedBlock[],
  checksum: Checksum,
  random: Random,
): Uint8Array;
