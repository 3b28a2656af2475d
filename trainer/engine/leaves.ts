/** What a program must be given: checked once for its parameters, at every run for its inputs. */

import { differentiate } from "../autodiff/gradients.ts";
import { add } from "../autodiff/operators.ts";
import { printShape, sameShape, sizeOf, type Tensor, topologicalOrder } from "../autodiff/tensor.ts";
import type { NamedNumbers, Numbers, Parameters, Program, StepGradients, StepOptions } from "./engine.ts";

export interface Leaves {
  /** By name; a leaf that is written several times is there once. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * The inputs and parameters that a program reads.
 *
 * @param sets where the parameters are, by names that no two sets share
 * @throws Error naming a parameter that no set has, or has in another shape
 */
export function leavesOf(program: Program, sets: readonly Parameters[]): Leaves {
  const inputs = new Map<string, Tensor>();
  const parameters = new Map<string, Tensor>();
  for (const tensor of topologicalOrder(Object.values(program))) {
    const name = tensor.attributes["name"] as string;
    if (tensor.op === "input") inputs.set(name, tensor);
    if (tensor.op === "parameter") {
      checkParameter(name, tensor, sets);
      parameters.set(name, tensor);
    }
  }
  return { inputs, parameters };
}

/**
 * The numbers of one input.
 *
 * @throws Error naming the input, if there are none, or too many, or of the wrong type
 */
export function fedNumbers(feeds: NamedNumbers, name: string, { shape, dtype }: Tensor): Numbers {
  const values = feeds[name];
  if (values?.length !== sizeOf(shape)) {
    throw new Error(`run: input "${name}" takes ${sizeOf(shape)} numbers, got ${values?.length ?? "none"}`);
  }
  if (values instanceof Float32Array !== (dtype === "float32")) {
    throw new Error(`run: input "${name}" takes ${dtype} numbers, got ${values.constructor.name}`);
  }
  return values;
}

/** The gradient of every parameter that the loss reads; the sum, where it is written more than once. */
export function parameterGradients(loss: Tensor): Map<string, Tensor> {
  return gradientsByName(loss, ({ op }) => op === "parameter").parameters;
}

/** What a step computes: the gradients of the parameters that it trains, and what else was asked for. */
export function stepGraph(
  loss: Tensor,
  { specs }: Parameters,
  { outputs }: StepOptions = {},
): { gradients: ReadonlyMap<string, Tensor>; outputs: Program } {
  const trained = new Set(specs.map(({ name }) => name));
  const gradients = gradientsByName(loss, ({ op, dtype, attributes }) =>
    op === "parameter"
      ? trained.has(attributes["name"] as string)
      : outputs !== undefined && dtype === "float32",
  );
  return { gradients: gradients.parameters, outputs: outputs?.(gradients) ?? {} };
}

/** Of inputs and parameters, as far as they are wanted; one pass backwards gives them all. */
function gradientsByName(loss: Tensor, isWanted: (leaf: Tensor) => boolean) {
  const leaves = topologicalOrder([loss]).filter(
    (tensor) => (tensor.op === "parameter" || tensor.op === "input") && isWanted(tensor),
  );
  const gradients = { parameters: new Map<string, Tensor>(), inputs: new Map<string, Tensor>() };
  for (const [i, gradient] of differentiate(loss, leaves).entries()) {
    const { op, attributes } = leaves[i]!;
    const name = attributes["name"] as string;
    const own = op === "parameter" ? gradients.parameters : gradients.inputs;
    const sofar = own.get(name);
    own.set(name, sofar ? add(sofar, gradient) : gradient);
  }
  return gradients satisfies StepGradients;
}

function checkParameter(name: string, { shape }: Tensor, sets: readonly Parameters[]): void {
  if (sets.length === 0) {
    throw new Error(`compile: the program reads parameter "${name}", but no parameters were given`);
  }
  const spec = setWith(sets, name)?.specs.find((each) => each.name === name);
  if (!spec) throw new Error(`compile: there is no parameter "${name}"`);
  if (!sameShape(spec.shape, shape)) {
    throw new Error(
      `compile: parameter "${name}" has shape ${printShape(spec.shape)}, the program reads ${printShape(shape)}`,
    );
  }
}

/** The set that a parameter of this name is in. */
export function setWith<Set extends Parameters>(sets: readonly Set[], name: string): Set | undefined {
  return sets.find(({ specs }) => specs.some((spec) => spec.name === name));
}
