/**
 * Parameters in one WebAssembly memory: weights, gradients, Adam's moments and the average, each a flat run
 * of float32, so that one pass of the Adam kernel updates everything. ONNX Runtime reads weights and writes
 * gradients in place through views of the same memory.
 */

import { sizeOf } from "../autodiff/tensor.ts";
import { adamScalars } from "./adam.ts";
import type {
  AdamSettings,
  InitialParameter,
  ParameterState,
  Parameters,
  ParameterValues,
} from "./engine.ts";
import { loadKernel } from "./kernels.ts";

export type Region = "weights" | "gradients" | "firstMoment" | "secondMoment" | "average";

export interface ParameterArena extends Parameters {
  /** A live view of one parameter's part of a region. */
  view(region: Region, name: string): Float32Array<ArrayBuffer>;
  /** One Adam update from the gradients region. */
  update(learningRate: number): void;
}

interface AdamKernel {
  adam(
    weights: number,
    gradients: number,
    firstMoments: number,
    secondMoments: number,
    averages: number,
    count: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    decay: number,
    averageRate: number,
  ): void;
}

const REGIONS: readonly Region[] = ["weights", "gradients", "firstMoment", "secondMoment", "average"];
/** Every parameter starts on a multiple of 16 numbers: aligned for SIMD and for cache lines. */
const ALIGNMENT = 16;
const PAGE_BYTES = 65536;
const KERNEL_BYTES = PAGE_BYTES; // the kernel's own data, if any, lies below the arena

export function createArena(initial: readonly InitialParameter[], settings: AdamSettings): ParameterArena {
  const offsets = new Map<string, { start: number; size: number }>();
  let count = 0;
  for (const { name, shape } of initial) {
    offsets.set(name, { start: count, size: sizeOf(shape) });
    count += Math.ceil(sizeOf(shape) / ALIGNMENT) * ALIGNMENT;
  }
  const bytes = KERNEL_BYTES + REGIONS.length * count * 4;
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE_BYTES) });
  const kernel = loadKernel<AdamKernel>("adam", memory);
  const address = (region: Region) => KERNEL_BYTES + REGIONS.indexOf(region) * count * 4;

  const view = (region: Region, name: string) => {
    const { start, size } = offsets.get(name)!;
    return new Float32Array(memory.buffer as ArrayBuffer, address(region) + start * 4, size);
  };
  const copyOut = (region: Region): ParameterValues =>
    Object.fromEntries(initial.map(({ name }) => [name, view(region, name).slice()]));
  const copyIn = (region: Region, values: ParameterValues) => {
    for (const { name } of initial) view(region, name).set(values[name]!);
  };

  const values = Object.fromEntries(initial.map((each) => [each.name, each.values]));
  copyIn("weights", values);
  copyIn("average", values);
  let stepCount = 0;

  return {
    specs: initial.map(({ name, shape }) => ({ name, shape })),
    view,
    update(learningRate) {
      stepCount++;
      const { beta1, beta2 } = settings;
      const { rate, epsilon, decay, averageRate } = adamScalars(settings, learningRate, stepCount);
      kernel.adam(
        address("weights"),
        address("gradients"),
        address("firstMoment"),
        address("secondMoment"),
        address("average"),
        count,
        rate,
        beta1,
        beta2,
        epsilon,
        decay,
        averageRate,
      );
    },
    async read(): Promise<ParameterState> {
      return {
        weights: copyOut("weights"),
        average: copyOut("average"),
        firstMoment: copyOut("firstMoment"),
        secondMoment: copyOut("secondMoment"),
        stepCount,
      };
    },
    async write(state) {
      copyIn("weights", state.weights);
      copyIn("average", state.average);
      copyIn("firstMoment", state.firstMoment);
      copyIn("secondMoment", state.secondMoment);
      stepCount = state.stepCount;
    },
    async dispose() {},
  };
}
