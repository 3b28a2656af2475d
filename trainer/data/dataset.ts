/** What the trainer learns from: rows of numbers with a shape, in three disjoint parts. */

/** Examples as rows of one flat array. */
export interface Rows {
  readonly count: number;
  /** Numbers in a row: the product of the data set's shape. */
  readonly length: number;
  /** [count, length], row-major: uint8 pixels (0–255) for images, float32 in the data's own units for vectors. */
  readonly values: Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
  /** A class index a row, or null where there are no classes. */
  readonly labels: Uint16Array<ArrayBuffer> | null;
}

/** Known modes of a synthetic distribution, for counting how many a generator covers. */
export interface Modes {
  /** [count, length] float32. */
  readonly centres: Float32Array<ArrayBuffer>;
  /** Standard deviation of every mode, in the data's units. */
  readonly sigma: number;
}

export interface Dataset {
  readonly name: string;
  readonly kind: "image" | "vector";
  /** [height, width, channels] for images, [length] for vectors. */
  readonly shape: readonly number[];
  readonly labelNames: readonly string[] | null;
  /** What the generator is trained on, and what /nearest compares with. */
  readonly train: Rows;
  /** Never trained on; calibrates the memorisation check and chooses metrics' hyperparameters. */
  readonly heldOut: Rows;
  /** Never trained on; only for evaluation. Null where the source has none. */
  readonly test: Rows | null;
  readonly modes: Modes | null;
  /** Of stacked images: the one-channel images that their channels are drawn from. */
  readonly channelsOf?: Dataset;
}

/** Some of the rows, copied, in the order of `indices`. */
export function takeRows(rows: Rows, indices: ArrayLike<number>): Rows {
  const { length } = rows;
  const values =
    rows.values instanceof Uint8Array
      ? new Uint8Array(indices.length * length)
      : new Float32Array(indices.length * length);
  const labels = rows.labels && new Uint16Array(indices.length);
  for (let i = 0; i < indices.length; i++) {
    const row = indices[i]!;
    values.set(rows.values.subarray(row * length, (row + 1) * length), i * length);
    if (labels) labels[i] = rows.labels![row]!;
  }
  return { count: indices.length, length, values, labels };
}

/** Puts row order[i] into place i, for every i, without a second copy of the rows. */
export function reorderRows({ values, labels, length }: Rows, order: ArrayLike<number>): void {
  const isDone = new Uint8Array(order.length);
  for (let start = 0; start < order.length; start++) {
    if (isDone[start]) continue;
    // Every place of a cycle takes the row of the next; the last one takes the first's, which was put aside.
    const asideValues = values.slice(start * length, (start + 1) * length);
    const asideLabel = labels?.[start] ?? 0;
    for (let place = start; !isDone[place]; ) {
      const from = order[place]!;
      isDone[place] = 1;
      if (from === start) {
        values.set(asideValues, place * length);
        if (labels) labels[place] = asideLabel;
      } else {
        values.copyWithin(place * length, from * length, (from + 1) * length);
        if (labels) labels[place] = labels[from]!;
        place = from;
      }
    }
  }
}

/** Rows first … first + count − 1, sharing memory with `rows`. */
export function sliceRows(rows: Rows, first: number, count: number): Rows {
  return {
    count,
    length: rows.length,
    values: rows.values.subarray(first * rows.length, (first + count) * rows.length),
    labels: rows.labels?.subarray(first, first + count) ?? null,
  };
}
