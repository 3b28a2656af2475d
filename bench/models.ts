/** The generators whose speed is measured; every peer has the same. */

import { dcgan } from "../trainer/generators/dcgan.ts";
import type { Generator } from "../trainer/generators/generator.ts";
import { mlp } from "../trainer/generators/mlp.ts";

export const LATENT_SIZE = 64;
const REQUEST = {
  latentSize: LATENT_SIZE,
  activation: "relu",
  outputShape: [28, 28, 1],
  outputActivation: "sigmoid",
} as const;

/** What is measured, as peers are told: `width` is that of both hidden layers, or 0 for the convolutions. */
export interface BenchModel {
  readonly kind: "mlp" | "conv";
  readonly width: number;
}

export const MLP: BenchModel = { kind: "mlp", width: 1200 };
export const CONV: BenchModel = { kind: "conv", width: 0 };

/** An MLP, 64 → width → width → 784, or transposed convolutions, 64 → 7×7×64 → 14×14×32 → 28×28×1. */
export function generatorFor({ kind, width }: BenchModel): Generator {
  return kind === "mlp"
    ? mlp({ ...REQUEST, hidden: [width, width], channels: [] })
    : dcgan({ ...REQUEST, hidden: [], channels: [64, 32] });
}

/** A matrix product: [n, inner] times [inner, m]. */
export type Product = readonly [n: number, inner: number, m: number];

/** The products that running the generator on a batch comes down to; a transposed convolution is one per pixel. */
export function forwardProducts({ kind, width }: BenchModel, batch: number): Product[] {
  return kind === "mlp"
    ? [
        [batch, LATENT_SIZE, width],
        [batch, width, width],
        [batch, width, 784],
      ]
    : [
        [batch, LATENT_SIZE, 7 * 7 * 64],
        [batch * 7 * 7, 64, 4 * 4 * 32],
        [batch * 14 * 14, 32, 4 * 4],
      ];
}

/** Those of a step: forward, the weights' gradients, and the gradient of every layer's input but the first's. */
export function stepProducts(model: BenchModel, batch: number): Product[] {
  return forwardProducts(model, batch).flatMap(([n, inner, m], layer): Product[] => [
    [n, inner, m],
    [inner, n, m],
    ...(layer > 0 ? [[n, m, inner] as const] : []),
  ]);
}
