import { sizeOf, type Tensor, topologicalOrder } from "./tensor.ts";

const BYTES_PER_NUMBER = 4;

/**
 * About how many bytes a program holds at its peak: inputs, parameters and outputs all the time, what lies between
 * from where it is computed to its last use. Engines that fuse operators or reuse memory in place need less, their
 * scratch space and the rounding up of their allocators more.
 */
export function peakBytes(outputs: readonly Tensor[]): number {
  const order = topologicalOrder(outputs);
  const lastUse = new Map<Tensor, number>();
  for (const [i, tensor] of order.entries()) for (const each of tensor.inputs) lastUse.set(each, i);
  const stays = (tensor: Tensor) => tensor.inputs.length === 0 || outputs.includes(tensor);
  const bytesOf = (tensor: Tensor) => BYTES_PER_NUMBER * sizeOf(tensor.shape);

  let held = order.filter(stays).reduce((total, tensor) => total + bytesOf(tensor), 0);
  let peak = held;
  for (const [i, tensor] of order.entries()) {
    if (!stays(tensor)) held += bytesOf(tensor);
    peak = Math.max(peak, held);
    for (const each of new Set(tensor.inputs)) {
      if (lastUse.get(each) === i && !stays(each)) held -= bytesOf(each);
    }
  }
  return peak;
}
