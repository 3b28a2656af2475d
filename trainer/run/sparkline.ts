/** Curves in a line of text. */

const BLOCKS = "▁▂▃▄▅▆▇█";

/** A block a value, from the lowest to the highest; logarithmic where all are positive, as losses fall by factors. */
export function sparkline(values: readonly number[]): string {
  const isPositive = values.every((value) => value > 0);
  const heights = isPositive ? values.map(Math.log) : values;
  const low = Math.min(...heights);
  const span = Math.max(...heights) - low || 1;
  return heights
    .map((height) => BLOCKS[Math.round(((height - low) / span) * (BLOCKS.length - 1))] ?? " ")
    .join("");
}

interface History {
  add(value: number): void;
  values(): readonly number[];
}

/** All values that were ever added, as at most `size` means of equally many each. */
export function createHistory(size: number): History {
  let means: number[] = [];
  let each = 1;
  let sum = 0;
  let count = 0;
  return {
    add(value) {
      sum += value;
      if (++count < each) return;
      means.push(sum / count);
      [sum, count] = [0, 0];
      if (means.length < size) return;
      means = means.flatMap((mean, i) => (i % 2 === 1 ? [(means[i - 1]! + mean) / 2] : []));
      each *= 2;
    },
    values: () => means,
  };
}
