/**
 * The value below which this share of the values lies, between the two nearest ranks linearly, as NumPy does.
 *
 * @param ascending at least one number, sorted
 * @param share     0 to 1
 */
export function quantile(ascending: ArrayLike<number>, share: number): number {
  const rank = share * (ascending.length - 1);
  const [low, high] = [ascending[Math.floor(rank)]!, ascending[Math.ceil(rank)]!];
  return low + (high - low) * (rank % 1);
}
