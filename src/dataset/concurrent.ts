/**
 * Work on many things side by side.
 *
 * @module
 */

/**
 * Calls a task for each item, at most `limit` at a time, and gives the results in the order of the items. The first
 * error stops it: no further task begins, and those under way are waited for.
 */
export async function mapConcurrent<Item, Result>(
  items: readonly Item[],
  limit: number,
  task: (item: Item, position: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  const entries = items.entries();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const [position, item] of entries) {
      if (failed) return;
      try {
        results[position] = await task(item, position);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, work));
  for (const result of settled) if (result.status === "rejected") throw result.reason;
  return results;
}
