/** Parameters as tensors on TF.js's backend: weights and Adam's state stay there until somebody asks. */

import * as tf from "@tensorflow/tfjs-core";
import { sizeOf } from "../../autodiff/tensor.ts";
import type {
  AdamSettings,
  InitialParameter,
  ParameterState,
  Parameters,
  ParameterValues,
} from "../engine.ts";
import type { StatePart } from "../step-program.ts";
import { onBackend, type TfjsBackend } from "./backend.ts";

export const PARTS: readonly StatePart["part"][] = ["weights", "average", "firstMoment", "secondMoment"];

export interface TfjsParameters extends Parameters {
  readonly settings: AdamSettings;
  /** Valid until the next update; not the caller's to dispose of. */
  tensor(part: StatePart["part"], name: string): tf.Tensor;
  /** Takes over what a step computed, every part of the first parameter, then of the next one; counts the step. */
  update(next: readonly tf.Tensor[]): void;
  readonly stepCount: number;
}

export function createTfjsParameters(
  backend: TfjsBackend,
  initial: readonly InitialParameter[],
  settings: AdamSettings,
): TfjsParameters {
  const tensors = new Map<string, tf.Tensor>();
  const key = (part: StatePart["part"], name: string) => `${part}:${name}`;
  let stepCount = 0;

  function put(part: StatePart["part"], name: string, tensor: tf.Tensor): void {
    tensors.get(key(part, name))?.dispose();
    tensors.set(key(part, name), tensor);
  }
  function write(state: Omit<ParameterState, "stepCount">): void {
    onBackend(backend, () => {
      for (const part of PARTS) {
        for (const { name, shape } of initial) {
          // A copy, since some backends read it no sooner than it is used.
          put(part, name, tf.tensor(state[part][name]!.slice(), [...shape]));
        }
      }
    });
  }
  async function read(part: StatePart["part"]): Promise<ParameterValues> {
    const values = await Promise.all(
      initial.map(async ({ name }) => {
        const numbers = await tensors.get(key(part, name))!.data<"float32">();
        // A copy, since some backends hold on to what they gave.
        return [name, numbers.slice() as Float32Array<ArrayBuffer>] as const;
      }),
    );
    return Object.fromEntries(values);
  }

  const first = Object.fromEntries(initial.map(({ name, values }) => [name, values]));
  const zeros = Object.fromEntries(initial.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))]));
  write({ weights: first, average: first, firstMoment: zeros, secondMoment: zeros });

  return {
    specs: initial.map(({ name, shape }) => ({ name, shape })),
    settings,
    tensor: (part, name) => tensors.get(key(part, name))!,
    update(next) {
      for (const [i, { name }] of initial.entries()) {
        for (const [j, part] of PARTS.entries()) put(part, name, next[i * PARTS.length + j]!);
      }
      stepCount++;
    },
    get stepCount() {
      return stepCount;
    },
    async read() {
      const state = {
        weights: await read("weights"),
        average: await read("average"),
        firstMoment: await read("firstMoment"),
        secondMoment: await read("secondMoment"),
      };
      return { ...state, stepCount };
    },
    async write(state) {
      write(state);
      stepCount = state.stepCount;
    },
    async dispose() {
      for (const tensor of tensors.values()) tensor.dispose();
      tensors.clear();
    },
  };
}
