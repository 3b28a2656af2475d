import type { Tensor } from "../autodiff/tensor.ts";

/** What a model sees in an example; fixed weights, differentiable by the example. */
export interface Features {
  /** Numbers in the features of one example. */
  readonly length: number;
  /** [n, numbers of an example] in model space → [n, length] */
  of(examples: Tensor): Tensor;
}
