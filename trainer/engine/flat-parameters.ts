/**
 * All parameters as one flat tensor each for weights, average and moments: an update is then a handful of
 * operators however many layers there are, and a GPU is asked for few and large ones.
 */

import { broadcastTo, concat, reshape, slice } from "../autodiff/operators.ts";
import { substitute } from "../autodiff/substitute.ts";
import { constant, input, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type AdamState, adamUpdate } from "./adam.ts";
import type { AdamSettings, ParameterValues, Program } from "./engine.ts";

export type StateName = keyof AdamState<unknown>;
export const STATE_NAMES: readonly StateName[] = ["weights", "average", "firstMoment", "secondMoment"];

export interface FlatLayout {
  /** Numbers in all parameters together. */
  readonly size: number;
  readonly parts: readonly { readonly name: string; readonly shape: Shape; readonly start: number }[];
}

export function layoutOf(specs: readonly { readonly name: string; readonly shape: Shape }[]): FlatLayout {
  let size = 0;
  const parts = specs.map(({ name, shape }) => {
    const start = size;
    size += sizeOf(shape);
    return { name, shape, start };
  });
  return { size, parts };
}

export function flatten({ size, parts }: FlatLayout, values: ParameterValues): Float32Array<ArrayBuffer> {
  const flat = new Float32Array(size);
  for (const { name, start } of parts) flat.set(values[name]!, start);
  return flat;
}

export function unflatten({ parts }: FlatLayout, flat: Float32Array<ArrayBuffer>): ParameterValues {
  return Object.fromEntries(
    parts.map(({ name, shape, start }) => [name, flat.slice(start, start + sizeOf(shape))]),
  );
}

/** What the flat tensor of a kind is called among a program's inputs. */
export const stateInput = (name: StateName) => `state:${name}`;

/** The program with its parameters cut from one flat input, `state:weights` or `state:average`. */
export function withFlatParameters(
  program: Program,
  layout: FlatLayout,
  use: "weights" | "average",
): Program {
  return substitute(program, cutFrom(layout, input(stateInput(use), [layout.size])));
}

/** What input or output `name` of the batch is called in an unrolled step. */
export const ofBatch = (name: string, batch: number) => `${name}@${batch}`;
export const SCALARS_INPUT = "adam";
/** The flat tensor of the parameters that a step reads and leaves as they are. */
export const READ_INPUT = "read:weights";
/** Numbers a step in the input of scalars: rate, epsilon, decay, averageRate. */
export const SCALARS_PER_STEP = 4;

/** A step as symbolic tensors, whose parameters are in `layout`, or else in `reads`. */
export interface FlatStep {
  readonly loss: Tensor;
  /** Of the parameters in `layout`, by name; zeros where there is none. */
  readonly gradients: ReadonlyMap<string, Tensor>;
  readonly outputs: Program;
  readonly layout: FlatLayout;
  readonly reads?: FlatLayout | undefined;
}

/**
 * Several optimisation steps in one graph.
 *
 * It reads the state (`state:…`), every batch's feeds (`NAME@0` …) and each step's scalars (`adam`), and gives
 * `losses` [steps], every step's outputs (`NAME@0` …) and the new state by name.
 */
export function unrolledSteps(step: FlatStep, adam: AdamSettings, steps: number): Program {
  const { loss, gradients, layout, reads } = step;
  const gradient = concat(
    layout.parts.map(({ name, shape }) => {
      const own = gradients.get(name);
      return own ? reshape(own, [sizeOf(shape)]) : broadcastTo(constant([0]), [sizeOf(shape)]);
    }),
    0,
  );
  const scalars = input(SCALARS_INPUT, [steps * SCALARS_PER_STEP]);
  const initial = (name: StateName) => input(stateInput(name), [layout.size]);
  let state: AdamState<Tensor> = {
    weights: initial("weights"),
    average: initial("average"),
    firstMoment: initial("firstMoment"),
    secondMoment: initial("secondMoment"),
  };
  const read = reads && cutFrom(reads, input(READ_INPUT, [reads.size]));
  const losses: Tensor[] = [];
  const outputs: Record<string, Tensor> = {};
  for (let at = 0; at < steps; at++) {
    const trained = cutFrom(layout, state.weights);
    const { lossNow, gradientNow, ...own } = substitute(
      { ...step.outputs, lossNow: loss, gradientNow: gradient },
      (leaf) =>
        leaf.op === "input"
          ? input(ofBatch(leaf.attributes["name"] as string, at), leaf.shape, leaf.dtype)
          : (trained(leaf) ?? read?.(leaf)),
    );
    losses.push(reshape(lossNow, [1]));
    for (const [name, output] of Object.entries(own)) outputs[ofBatch(name, at)] = output as Tensor;
    const scalar = (i: number) => slice(scalars, 0, at * SCALARS_PER_STEP + i, 1);
    state = adamUpdate(
      state,
      gradientNow,
      { rate: scalar(0), epsilon: scalar(1), decay: scalar(2), averageRate: scalar(3) },
      adam,
    );
  }
  return { losses: concat(losses, 0), ...outputs, ...state };
}

/** For `substitute`: the parameters of a layout as parts of a flat tensor, each cut once. */
function cutFrom({ parts }: FlatLayout, flat: Tensor): (leaf: Tensor) => Tensor | undefined {
  const cuts = new Map<string, Tensor>();
  return (leaf) => {
    if (leaf.op !== "parameter") return undefined;
    const name = leaf.attributes["name"] as string;
    let cut = cuts.get(name);
    if (!cut) {
      const part = parts.find((each) => each.name === name);
      if (!part) return undefined;
      cut = reshape(slice(flat, 0, part.start, sizeOf(part.shape)), part.shape);
      cuts.set(name, cut);
    }
    return cut;
  };
}
