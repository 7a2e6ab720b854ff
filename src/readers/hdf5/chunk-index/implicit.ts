/**
 * The index that is none: all chunks of the maximum extent lie one after another, unfiltered (specification 4.0,
 * VII.B "Implicit Index").
 *
 * @module
 */

import { type ChunkRows, LinearOrder } from "./chunk-rows.ts";

export function readImplicit(rows: ChunkRows, address: number): void {
  const { chunkBytes } = rows.array;
  const order = new LinearOrder(rows.array, rows.gridShape);
  const cells = rows.gridShape.reduce((product, count) => product * count, 1);
  // The last chunk first: where it lies beyond the end of the file, so that nothing is listed in vain.
  if (cells > 1) rows.check(address + order.index(cells - 1) * chunkBytes, chunkBytes);
  for (let position = 0; position < cells; position++) {
    rows.append(position, address + order.index(position) * chunkBytes, chunkBytes, 0);
  }
}
