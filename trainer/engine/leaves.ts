/** What a program must be given: checked once for its parameters, at every run for its inputs. */

import { differentiate } from "../autodiff/gradients.ts";
import { add } from "../autodiff/operators.ts";
import { printShape, sameShape, sizeOf, type Tensor, topologicalOrder } from "../autodiff/tensor.ts";
import type { NamedNumbers, Numbers, ParameterSource, Program } from "./engine.ts";

export interface Leaves {
  /** By name; a leaf that is written several times is there once. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly parameters: ReadonlyMap<string, Tensor>;
}

/**
 * The inputs and parameters that a program reads.
 *
 * @throws Error naming a parameter that `source` doesn't have, or has in another shape
 */
export function leavesOf(program: Program, source?: ParameterSource): Leaves {
  const inputs = new Map<string, Tensor>();
  const parameters = new Map<string, Tensor>();
  for (const tensor of topologicalOrder(Object.values(program))) {
    const name = tensor.attributes["name"] as string;
    if (tensor.op === "input") inputs.set(name, tensor);
    if (tensor.op === "parameter") {
      checkParameter(name, tensor, source);
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
  const leaves = topologicalOrder([loss]).filter((tensor) => tensor.op === "parameter");
  const gradients = new Map<string, Tensor>();
  for (const [i, gradient] of differentiate(loss, leaves).entries()) {
    const name = leaves[i]!.attributes["name"] as string;
    const sofar = gradients.get(name);
    gradients.set(name, sofar ? add(sofar, gradient) : gradient);
  }
  return gradients;
}

function checkParameter(name: string, { shape }: Tensor, source: ParameterSource | undefined): void {
  if (!source) {
    throw new Error(`compile: the program reads parameter "${name}", but no parameters were given`);
  }
  const spec = source.parameters.specs.find((each) => each.name === name);
  if (!spec) throw new Error(`compile: there is no parameter "${name}"`);
  if (!sameShape(spec.shape, shape)) {
    throw new Error(
      `compile: parameter "${name}" has shape ${printShape(spec.shape)}, the program reads ${printShape(shape)}`,
    );
  }
}
