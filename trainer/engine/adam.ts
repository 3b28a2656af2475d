/** Adam: what changes from update to update, and the update itself as a function over symbolic tensors. */

import { abs, add, divide, multiply, relu, sign, sqrt, square, subtract } from "../autodiff/operators.ts";
import { constant, type Tensor } from "../autodiff/tensor.ts";
import type { AdamSettings } from "./engine.ts";

/** The numbers of one update, with the bias correction folded into `rate` and `epsilon`. */
export interface AdamScalars<Scalar> {
  readonly rate: Scalar;
  readonly epsilon: Scalar;
  /** Share of the weights that decays. */
  readonly decay: Scalar;
  /** How far the average moves towards the weights. */
  readonly averageRate: Scalar;
}

/** @param stepCount updates with this one, so at least 1 */
export function adamScalars(
  settings: AdamSettings,
  learningRate: number,
  stepCount: number,
): AdamScalars<number> {
  const { beta1, beta2, epsilon, weightDecay, averageDecay } = settings;
  const correction = Math.sqrt(1 - beta2 ** stepCount);
  return {
    rate: (learningRate * correction) / (1 - beta1 ** stepCount),
    epsilon: epsilon * correction,
    decay: learningRate * weightDecay,
    // A short history is averaged over less, so that the first weights don't linger.
    averageRate: 1 - Math.min(averageDecay, (1 + stepCount) / (10 + stepCount)),
  };
}

/** What Adam changes, all of one shape. */
export interface AdamState<Value> {
  readonly weights: Value;
  readonly average: Value;
  readonly firstMoment: Value;
  readonly secondMoment: Value;
}

/** The arithmetic of `kernels/adam.as.ts`, operator by operator. */
export function adamUpdate(
  state: AdamState<Tensor>,
  gradient: Tensor,
  { rate, epsilon, decay, averageRate }: AdamScalars<Tensor>,
  { beta1, beta2, weightDecay }: AdamSettings,
): AdamState<Tensor> {
  const moved = (moment: Tensor, towards: Tensor, beta: number) =>
    withoutTiny(add(multiply(moment, beta), multiply(towards, 1 - beta)));
  const firstMoment = moved(state.firstMoment, gradient, beta1);
  const secondMoment = moved(state.secondMoment, square(gradient), beta2);
  const kept = weightDecay === 0 ? state.weights : multiply(state.weights, subtract(constant([1]), decay));
  const weights = subtract(kept, divide(multiply(firstMoment, rate), add(sqrt(secondMoment), epsilon)));
  const average = add(state.average, multiply(subtract(weights, state.average), averageRate));
  return { weights, average, firstMoment, secondMoment };
}

/** 0 where the magnitude is at most 1e-30. What is no number stays so, because it is multiplied and not replaced. */
function withoutTiny(x: Tensor): Tensor {
  return multiply(x, sign(relu(subtract(abs(x), 1e-30))));
}
