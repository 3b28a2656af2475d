/**
 * Adam over a table of which a step moves a few rows: moments, and their correction, count a row's own steps. It runs
 * on the host, because a batch of rows is little.
 *
 * Source: Kingma & Ba 2015, "Adam", arXiv:1412.6980, algorithm 1.
 */

import { adamScalars } from "../engine/adam.ts";
import type { AdamSettings, Numbers } from "../engine/engine.ts";

export interface RowAdam {
  /** Live: [count, length]. */
  readonly rows: Float32Array<ArrayBuffer>;
  /** @param gradients [indices.length, length], of distinct rows */
  update(indices: ArrayLike<number>, gradients: Float32Array, learningRate: number): void;
  /** A copy of everything that a step changes. */
  arrays(): Readonly<Record<string, Numbers>>;
  restore(arrays: Readonly<Record<string, Numbers>>): void;
}

/** @param rows become the table's own */
export function createRowAdam(
  rows: Float32Array<ArrayBuffer>,
  length: number,
  { beta1, beta2, epsilon }: AdamSettings,
): RowAdam {
  const settings = { beta1, beta2, epsilon, weightDecay: 0, averageDecay: 0 };
  const firstMoment = new Float32Array(rows.length);
  const secondMoment = new Float32Array(rows.length);
  const stepCounts = new Int32Array(rows.length / length);
  const parts = { rows, firstMoment, secondMoment, stepCounts };
  return {
    rows,
    update(indices, gradients, learningRate) {
      for (let i = 0; i < indices.length; i++) {
        const row = indices[i]!;
        const scalars = adamScalars(settings, learningRate, ++stepCounts[row]!);
        for (let j = 0; j < length; j++) {
          const at = row * length + j;
          const gradient = gradients[i * length + j]!;
          firstMoment[at] = beta1 * firstMoment[at]! + (1 - beta1) * gradient;
          secondMoment[at] = beta2 * secondMoment[at]! + (1 - beta2) * gradient ** 2;
          rows[at]! -= (scalars.rate * firstMoment[at]!) / (Math.sqrt(secondMoment[at]!) + scalars.epsilon);
        }
      }
    },
    arrays: () =>
      Object.fromEntries(Object.entries(parts).map(([name, values]) => [name, values.slice() as Numbers])),
    restore(arrays) {
      for (const [name, values] of Object.entries(parts)) values.set(arrays[name]!);
    },
  };
}
