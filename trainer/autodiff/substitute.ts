import { type Tensor, topologicalOrder } from "./tensor.ts";

/**
 * The same graph with other tensors in the place of some leaves. What depends on none of them is shared with the
 * graph that it came from.
 *
 * @param replacement the tensor that takes a leaf's place, of the same shape; undefined: the leaf stays
 */
export function substitute<Outputs extends Readonly<Record<string, Tensor>>>(
  outputs: Outputs,
  replacement: (leaf: Tensor) => Tensor | undefined,
): Record<keyof Outputs, Tensor> {
  const replaced = new Map<Tensor, Tensor>();
  for (const tensor of topologicalOrder(Object.values(outputs))) {
    const inputs = tensor.inputs.map((each) => replaced.get(each)!);
    const changed = inputs.some((each, i) => each !== tensor.inputs[i]);
    const leaf = tensor.inputs.length === 0 ? replacement(tensor) : undefined;
    replaced.set(tensor, leaf ?? (changed ? { ...tensor, inputs } : tensor));
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([name, tensor]) => [name, replaced.get(tensor)!]),
  ) as Record<keyof Outputs, Tensor>;
}
