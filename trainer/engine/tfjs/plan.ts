/**
 * A program as a list of steps: which node is computed when, and which value ends there. Shapes are static, so
 * that is decided once; a run only carries it out, and holds no value longer than it is needed.
 */

import * as tf from "@tensorflow/tfjs-core";
import { type Tensor, topologicalOrder } from "../../autodiff/tensor.ts";
import { alias, dispose, inRowMajor, keepingCopies, type Laid, laid } from "./layout.ts";
import type { Lowering, Lowerings } from "./lowerings.ts";

/** Gives the value of an input or a parameter; the tensor stays the giver's. */
export type LeafValue = (tensor: Tensor) => tf.Tensor;

export interface Plan {
  /** The outputs in order, the caller's to dispose of. Synchronous: TF.js's backend is this plan's meanwhile. */
  run(leafValue: LeafValue): tf.Tensor[];
  dispose(): void;
}

interface Step {
  readonly node: Tensor;
  readonly operands: readonly number[];
  /** The values that nothing after this step reads. */
  readonly ends: readonly number[];
}

/** @throws Error naming an operator that has no lowering */
export function planOf(outputs: readonly Tensor[], lowerings: Lowerings): Plan {
  const order = topologicalOrder(outputs);
  const numbers = new Map(order.map((tensor, i) => [tensor, i]));
  const results = outputs.map((tensor) => numbers.get(tensor)!);
  const steps = stepsOf(order, numbers, new Set(results));
  for (const { node } of steps) {
    if (!isLeaf(node) && !lowerings[node.op]) {
      throw new Error(`tfjs: operator "${node.op}" has no lowering`);
    }
  }
  const constants = new Map<Tensor, Laid>();
  for (const tensor of order) {
    if (tensor.op !== "constant") continue;
    const { values, shape, dtype } = tensor;
    constants.set(tensor, keepingCopies(laid(tf.tensor(values!, [...shape], dtype))));
  }

  return {
    run(leafValue) {
      const values: (Laid | undefined)[] = [];
      try {
        for (const [i, { node, operands, ends }] of steps.entries()) {
          values[i] = isLeaf(node)
            ? (constants.get(node) ?? keepingCopies(laid(alias(leafValue(node)))))
            : compute(
                lowerings[node.op]!,
                node,
                operands.map((at) => values[at]!),
              );
          for (const at of ends) {
            if (order[at]!.op !== "constant") dispose(values[at]!);
            values[at] = undefined;
          }
        }
        return results.map((at) => alias(inRowMajor(values[at]!)));
      } finally {
        for (const [at, value] of values.entries()) {
          if (value && order[at]!.op !== "constant") dispose(value);
        }
      }
    },
    dispose() {
      for (const value of constants.values()) dispose(value);
      constants.clear();
    },
  };
}

function compute(lower: Lowering, node: Tensor, operands: readonly Laid[]): Laid {
  let order: readonly number[] = [];
  const data = tf.tidy(() => {
    const value = lower(node, operands);
    order = value.order;
    return value.data;
  });
  return keepingCopies(laid(data, order));
}

function stepsOf(
  order: readonly Tensor[],
  numbers: ReadonlyMap<Tensor, number>,
  lasting: ReadonlySet<number>,
): Step[] {
  const lastUse = new Map<number, number>();
  const operandsOf = order.map((node) => node.inputs.map((each) => numbers.get(each)!));
  for (const [i, operands] of operandsOf.entries()) {
    lastUse.set(i, i); // a value that nobody reads ends at once
    for (const at of operands) lastUse.set(at, i);
  }
  const ends = order.map((): number[] => []);
  for (const [at, i] of lastUse) if (!lasting.has(at)) ends[i]!.push(at);
  return order.map((node, i) => ({ node, operands: operandsOf[i]!, ends: ends[i]! }));
}

function isLeaf({ op }: Tensor): boolean {
  return op === "constant" || op === "input" || op === "parameter";
}
