/** What a kind of layer is: a record of functions, the same for every kind. */

import type { LayerSpec } from "../../shared/manifest.ts";
import type { Shape, Tensor } from "../autodiff/tensor.ts";

/**
 * Shapes are those of one example as the exported model has them: [length], or [height, width, channels].
 * Under way, images are [n, channels, height, width] and all else [n, length].
 */
export interface LayerKind<Spec extends LayerSpec> {
  /** @throws ShapeError if the layer can't take such an input */
  outputShape(spec: Spec, input: Shape): Shape;
  /** Shapes of its weights, as Keras has them; null: it has none. */
  weights(spec: Spec, input: Shape): LayerWeights | null;
  /** What it gives before its activation. */
  apply(spec: Spec, x: Tensor, weights: AppliedWeights | null): Tensor;
  /** Keras's class for it, and its configuration beside name, activation and initialisers. */
  keras(spec: Spec): { readonly className: string; readonly config: Readonly<Record<string, unknown>> };
}

export interface LayerWeights {
  readonly kernel: Shape;
  /** Which axis of the kernel counts the units or channels that come out. */
  readonly unitAxis: number;
  /** One number a unit or channel. */
  readonly bias: Shape;
  /** Inputs that each number of the output is a sum over, on average. */
  readonly fanIn: number;
}

export interface AppliedWeights {
  readonly kernel: Tensor;
  readonly bias?: Tensor;
}

export type SpecOf<Kind extends LayerSpec["kind"]> = Extract<LayerSpec, { readonly kind: Kind }>;
