/**
 * What an index wrote, in numbers.
 *
 * @module
 */

/** What was written, in chunks and bytes. */
export interface WrittenCounts {
  groups: number;
  arrays: number;
  virtual: number;
  native: number;
  inline: number;
  missing: number;
  virtualBytes: number;
  writtenBytes: number;
}

export const COUNTS: readonly (keyof WrittenCounts)[] = [
  "groups",
  "arrays",
  "virtual",
  "native",
  "inline",
  "missing",
  "virtualBytes",
  "writtenBytes",
];

export function noCounts(): WrittenCounts {
  return {
    groups: 0,
    arrays: 0,
    virtual: 0,
    native: 0,
    inline: 0,
    missing: 0,
    virtualBytes: 0,
    writtenBytes: 0,
  };
}
