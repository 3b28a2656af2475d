/** Parameters as flat tensors on a device, twice: a run reads one set and writes the other. */

import type { Tensor as OrtTensor } from "onnxruntime-node";
import { type AdamState, adamScalars } from "./adam.ts";
import type { AdamSettings, InitialParameter, Parameters } from "./engine.ts";
import {
  type FlatLayout,
  flatten,
  layoutOf,
  SCALARS_PER_STEP,
  STATE_NAMES,
  type StateName,
  unflatten,
} from "./flat-parameters.ts";
import type { FlatStore } from "./flat-store.ts";

export interface DeviceParameters extends Parameters {
  readonly layout: FlatLayout;
  readonly adam: AdamSettings;
  /** What programs read now. */
  current(name: StateName): Promise<OrtTensor>;
  /** Lets `run` compute the state after so many steps; if it fails, nothing has changed. */
  advance(learningRates: readonly number[], run: (transition: Transition) => Promise<void>): Promise<void>;
}

export interface Transition {
  readonly from: AdamState<OrtTensor>;
  readonly to: AdamState<OrtTensor>;
  /** rate, epsilon, decay and averageRate of every step. */
  readonly scalars: Float32Array<ArrayBuffer>;
}

export function createDeviceParameters(
  initial: readonly InitialParameter[],
  adam: AdamSettings,
  createStore: (length: number) => Promise<FlatStore>,
): DeviceParameters {
  const layout = layoutOf(initial);
  const first = flatten(layout, Object.fromEntries(initial.map(({ name, values }) => [name, values])));
  let store: Promise<FlatStore> | undefined;
  // A tensor is made when it is first needed: whoever only draws samples needs the weights alone.
  let now: Partial<Record<StateName, OrtTensor>> = {};
  let next: Partial<Record<StateName, OrtTensor>> = {};
  let stepCount = 0;

  const openStore = () => (store ??= createStore(layout.size));

  async function current(name: StateName): Promise<OrtTensor> {
    const { allocate, write } = await openStore();
    let tensor = now[name];
    if (!tensor) {
      tensor = await allocate();
      if (name === "weights" || name === "average") await write(tensor, first);
      now[name] = tensor;
    }
    return tensor;
  }
  async function whole(tensorOf: (name: StateName) => Promise<OrtTensor>): Promise<AdamState<OrtTensor>> {
    const state: Partial<Record<StateName, OrtTensor>> = {};
    for (const name of STATE_NAMES) state[name] = await tensorOf(name);
    return state as AdamState<OrtTensor>;
  }

  return {
    specs: initial.map(({ name, shape }) => ({ name, shape })),
    layout,
    adam,
    current,
    async advance(learningRates, run) {
      const { allocate } = await openStore();
      const from = await whole(current);
      const to = await whole(async (name) => (next[name] ??= await allocate()));
      const scalars = new Float32Array(learningRates.length * SCALARS_PER_STEP);
      for (const [i, learningRate] of learningRates.entries()) {
        const { rate, epsilon, decay, averageRate } = adamScalars(adam, learningRate, stepCount + i + 1);
        scalars.set([rate, epsilon, decay, averageRate], i * SCALARS_PER_STEP);
      }
      await run({ from, to, scalars });
      [now, next] = [to, from];
      stepCount += learningRates.length;
    },
    async read() {
      const { read } = await openStore();
      const copy = async (name: StateName) => unflatten(layout, await read(await current(name)));
      return {
        weights: await copy("weights"),
        average: await copy("average"),
        firstMoment: await copy("firstMoment"),
        secondMoment: await copy("secondMoment"),
        stepCount,
      };
    },
    async write(state) {
      const { write } = await openStore();
      for (const name of STATE_NAMES) await write(await current(name), flatten(layout, state[name]));
      stepCount = state.stepCount;
    },
    async dispose() {
      for (const tensor of [...Object.values(now), ...Object.values(next)]) tensor.dispose();
      [now, next] = [{}, {}];
      await (await store)?.dispose();
    },
  };
}
