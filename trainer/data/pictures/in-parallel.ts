/**
 * Acts on every item, on at most `limit` of them at a time. After a failure no further one is begun, and the failure
 * is thrown when those under way have ended.
 */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const shared = oneByOne(items);
  const failures: unknown[] = [];
  async function work(): Promise<void> {
    try {
      for await (const item of shared) {
        if (failures.length > 0) return;
        await act(item);
      }
    } catch (error) {
      failures.push(error);
    }
  }
  await Promise.all(Array.from({ length: limit }, work));
  if (failures.length > 0) throw failures[0];
}

/** What several may take items from at the same time. */
async function* oneByOne<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}
