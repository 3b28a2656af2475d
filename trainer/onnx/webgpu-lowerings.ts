/**
 * Operators for which ONNX Runtime's WebGPU provider (1.30) has no kernel, said in ones that it has. What it
 * lacks would run on the CPU, in the middle of a step, with everything copied there and back. Found by opening
 * every operator of ours with `session.disable_cpu_ep_fallback`: Sign, and Cast from int64.
 */

import type { Tensor } from "../autodiff/tensor.ts";
import { argMin, type Draft, emit, type Lowerings, stored, topK } from "./lower.ts";

const FLOAT = 1;

export const webgpuLowerings: Lowerings = {
  sign: ({ inputs: [x] }, [name], graph) => {
    const zero = stored(graph, "float32", Float32Array.of(0), []);
    const isOn = (side: "Greater" | "Less") =>
      emit(graph, "Cast", [emit(graph, side, [name!, zero])], { to: FLOAT });
    // The derivative of a rectifier: nothing is below zero.
    return x!.op === "relu" ? isOn("Greater") : emit(graph, "Sub", [isOn("Greater"), isOn("Less")]);
  },
  argMin: (tensor, inputs, graph) => {
    const [axis] = tensor.attributes["axes"] as readonly number[];
    return positionsInt32(graph, tensor.inputs[0]!.shape[axis!]!, argMin(tensor, inputs, graph));
  },
  smallestIndices: (tensor: Tensor, inputs, graph) =>
    positionsInt32(graph, tensor.inputs[0]!.shape.at(-1)!, topK(tensor, inputs, graph)[1]!),
};

/** Positions along an axis of this length from int64 to int32: looked up, since they can't be cast. */
function positionsInt32(graph: Draft, length: number, positions: string): string {
  const table = stored(
    graph,
    "int32",
    Int32Array.from({ length }, (_, i) => i),
  );
  return emit(graph, "Gather", [table, positions], { axis: 0 });
}
