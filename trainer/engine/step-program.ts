/** One optimisation step as symbolic tensors: for engines whose parameters live where their graphs run. */

import { constant, input, parameter, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type AdamScalars, type AdamState, adamUpdate } from "./adam.ts";
import type { AdamSettings, NamedNumbers, Parameters } from "./engine.ts";

export interface StepProgram {
  /** What each parameter becomes, in their order. */
  readonly next: readonly AdamState<Tensor>[];
  /** The part of a parameter's state that a leaf stands for. Parameter leaves of the loss itself are weights. */
  readonly stateLeaves: ReadonlyMap<Tensor, StatePart>;
}

export interface StatePart {
  readonly name: string;
  readonly part: keyof AdamState<unknown>;
}

const SCALARS: AdamScalars<Tensor> = {
  rate: input("adam/rate", []),
  epsilon: input("adam/epsilon", []),
  decay: input("adam/decay", []),
  averageRate: input("adam/averageRate", []),
};

/** What a step is fed beside the inputs of its loss, by name. */
export const SCALAR_INPUTS: ReadonlyMap<string, Tensor> = new Map(
  Object.values(SCALARS).map((scalar) => [scalar.attributes["name"] as string, scalar]),
);

/** The numbers for `SCALAR_INPUTS`. */
export function scalarFeeds(scalars: AdamScalars<number>): NamedNumbers {
  return Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [`adam/${name}`, Float32Array.of(value)]),
  );
}

/** A step by these gradients over all of the parameters; those that have none get one of zeros. */
export function stepProgram(
  gradients: ReadonlyMap<string, Tensor>,
  specs: Parameters["specs"],
  settings: AdamSettings,
): StepProgram {
  const stateLeaves = new Map<Tensor, StatePart>();
  const next = specs.map(({ name, shape }) => {
    const leaf = (part: StatePart["part"]) => {
      const tensor = parameter(`${name}/${part}`, shape);
      stateLeaves.set(tensor, { name, part });
      return tensor;
    };
    const state = {
      weights: leaf("weights"),
      average: leaf("average"),
      firstMoment: leaf("firstMoment"),
      secondMoment: leaf("secondMoment"),
    };
    return adamUpdate(state, gradients.get(name) ?? zeros(shape), SCALARS, settings);
  });
  return { next, stateLeaves };
}

function zeros(shape: Shape): Tensor {
  return constant(new Float32Array(sizeOf(shape)), shape);
}
