/** Adam's arithmetic, for engines that run it as part of their graph; `kernels/adam.as.ts` is the other one. */

import { abs, add, divide, multiply, relu, sign, sqrt, square, subtract } from "../autodiff/operators.ts";
import type { Tensor } from "../autodiff/tensor.ts";
import type { AdamSettings } from "./engine.ts";

/** What changes from step to step, with the bias correction folded in. */
export interface AdamRates<T> {
  /** learningRate·√(1 − β₂ᵗ)/(1 − β₁ᵗ) */
  readonly rate: T;
  /** ε·√(1 − β₂ᵗ) */
  readonly epsilon: T;
  /** The share of a weight that decays. */
  readonly decay: T;
  /** How far the average moves towards the weights. */
  readonly averageRate: T;
}

/** @param stepCount of this step: the first is 1 */
export function adamRates(
  { beta1, beta2, epsilon, weightDecay, averageDecay }: AdamSettings,
  learningRate: number,
  stepCount: number,
): AdamRates<number> {
  const correction = Math.sqrt(1 - beta2 ** stepCount);
  return {
    rate: (learningRate * correction) / (1 - beta1 ** stepCount),
    epsilon: epsilon * correction,
    decay: learningRate * weightDecay,
    // A short history is averaged over less, so that the first weights don't linger.
    averageRate: 1 - Math.min(averageDecay, (1 + stepCount) / (10 + stepCount)),
  };
}

/** What Adam keeps of one parameter, all of its shape. */
export interface AdamState<T> {
  readonly weights: T;
  readonly average: T;
  readonly firstMoment: T;
  readonly secondMoment: T;
}

/** The state after one update. */
export function adamUpdate(
  { weights, average, firstMoment, secondMoment }: AdamState<Tensor>,
  gradient: Tensor,
  { rate, epsilon, decay, averageRate }: AdamRates<Tensor>,
  { beta1, beta2 }: AdamSettings,
): AdamState<Tensor> {
  const first = flushed(add(multiply(firstMoment, beta1), multiply(gradient, 1 - beta1)));
  const second = flushed(add(multiply(secondMoment, beta2), multiply(square(gradient), 1 - beta2)));
  const step = divide(multiply(first, rate), add(sqrt(second), epsilon));
  const moved = subtract(subtract(weights, multiply(weights, decay)), step);
  return {
    weights: moved,
    average: add(average, multiply(subtract(moved, average), averageRate)),
    firstMoment: first,
    secondMoment: second,
  };
}

/**
 * Numbers too small to matter as 0: they would become subnormal, which some processors are slow at. NaN stays,
 * since NaN times anything is NaN.
 */
function flushed(x: Tensor): Tensor {
  return multiply(x, sign(relu(subtract(abs(x), 1e-30))));
}
