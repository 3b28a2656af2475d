/**
 * TF.js as a training engine: an interpreter of our graphs, in which gradients and Adam's update are operators
 * like any other. Weights and moments stay on the backend; a step brings back its loss and nothing else.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../autodiff/tensor.ts";
import { adamScalars } from "./adam.ts";
import type { Batch, Engine, Executable, NamedNumbers, Numbers } from "./engine.ts";
import { fedNumbers, leavesOf, setWith, stepGraph } from "./leaves.ts";
import { SCALAR_INPUTS, scalarFeeds, stepProgram } from "./step-program.ts";
import { onBackend, type TfjsBackend, type Watched } from "./tfjs/backend.ts";
import { createTfjsParameters, PARTS, type TfjsParameters } from "./tfjs/parameters.ts";
import { type LeafValue, type Plan, planOf } from "./tfjs/plan.ts";

/** Steps whose losses a GPU is asked for at once. */
const GPU_UNROLL = 8;
/** Where everything that goes wrong throws. */
const SOUND = Promise.resolve(null);

interface Releasable {
  dispose(): void | Promise<void>;
}

/** @param name as `--engine` spells it */
export function createTfjsEngine(name: string, backend: TfjsBackend): Engine {
  const open = new Set<Releasable>();

  function createPlan(outputs: readonly Tensor[]): Plan {
    const plan = onBackend(backend, () => planOf(outputs, backend.lowerings));
    open.add(plan);
    return plan;
  }

  async function release(each: Releasable): Promise<void> {
    if (open.delete(each)) await each.dispose();
  }

  /** Runs a plan on what it is fed; the tensors are the caller's, numbers only if nothing failed. */
  function execute(
    plan: Plan,
    inputs: ReadonlyMap<string, Tensor>,
    feeds: NamedNumbers,
    parameterValue: LeafValue,
  ): Watched<tf.Tensor[]> {
    if (!open.has(plan)) throw new Error("run: the program has been disposed of");
    const work = () => {
      const fed = new Map<string, tf.Tensor>();
      try {
        for (const [each, tensor] of inputs) {
          fed.set(each, tf.tensor(fedNumbers(feeds, each, tensor), [...tensor.shape], tensor.dtype));
        }
        return plan.run((leaf) => (leaf.op === "input" ? fed.get(nameOf(leaf))! : parameterValue(leaf)));
      } finally {
        for (const tensor of fed.values()) tensor.dispose();
      }
    };
    return onBackend(backend, () => backend.watched?.(work) ?? { result: work(), failure: SOUND });
  }

  return {
    name,
    description: `TF.js ${tf.version_core}, ${backend.description}`,
    device: backend.device,

    async createParameters(initial, adam) {
      const parameters = createTfjsParameters(backend, initial, adam);
      open.add(parameters);
      return parameters;
    },

    async compile(program, source): Promise<Executable> {
      const { inputs } = leavesOf(program, source ? [source.parameters] : []);
      const names = Object.keys(program);
      const plan = createPlan(Object.values(program));
      const parameters = source?.parameters as TfjsParameters;
      return {
        async run(feeds) {
          const values = await taken(
            execute(plan, inputs, feeds, (leaf) => parameters.tensor(source!.use, nameOf(leaf))),
          );
          return Object.fromEntries(values.map((each, i) => [names[i]!, each]));
        },
        dispose: () => release(plan),
      };
    },

    async compileStep(loss, parameters, options = {}) {
      const own = parameters as TfjsParameters;
      const sets = [own, ...(options.reads ? [options.reads as TfjsParameters] : [])];
      const { gradients, outputs } = stepGraph(loss, own, options);
      const { inputs } = leavesOf({ loss, ...outputs }, sets);
      const { next, stateLeaves } = stepProgram(gradients, own.specs, own.settings);
      const names = Object.keys(outputs);
      const plan = createPlan([
        loss,
        ...Object.values(outputs),
        ...next.flatMap((state) => PARTS.map((part) => state[part])),
      ]);
      const all = new Map([...inputs, ...SCALAR_INPUTS]);
      const step = ({ feeds, learningRate }: Batch) => {
        const scalars = adamScalars(own.settings, learningRate, own.stepCount + 1);
        const { result, failure } = execute(plan, all, { ...feeds, ...scalarFeeds(scalars) }, (leaf) => {
          const state = stateLeaves.get(leaf);
          const name = nameOf(leaf);
          return state ? own.tensor(state.part, state.name) : setWith(sets, name)!.tensor("weights", name);
        });
        own.update(result.splice(1 + names.length));
        return { result, failure };
      };
      return {
        unroll: backend.device === "gpu" ? GPU_UNROLL : 1,
        async run(batches) {
          // Every step is on its way to a GPU before the first loss is waited for.
          const results = await Promise.all(batches.map(step).map(taken));
          for (const [i, { into = {} }] of batches.entries()) {
            for (const [name, numbers] of Object.entries(into)) {
              numbers.set(results[i]![1 + names.indexOf(name)]!);
            }
          }
          return results.map(([lossBefore]) => lossBefore![0]!);
        },
        dispose: () => release(plan),
      };
    },

    async dispose() {
      for (const each of open) await release(each);
    },
  };
}

function nameOf({ attributes }: Tensor): string {
  return attributes["name"] as string;
}

/** The tensors' numbers; they are disposed of. */
async function taken({ result, failure }: Watched<tf.Tensor[]>): Promise<Numbers[]> {
  try {
    const error = await failure;
    if (error) throw error;
    return await Promise.all(result.map(async (tensor) => (await tensor.data()) as Numbers));
  } finally {
    for (const tensor of result) tensor.dispose();
  }
}
