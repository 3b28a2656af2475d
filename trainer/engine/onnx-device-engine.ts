/**
 * ONNX Runtime on a GPU: several optimisation steps, Adam among them, are one graph that goes from one state to
 * the next, so that a run is asked for much and gives back a few losses.
 *
 * On WebGPU the state never leaves the device. The binding can't leave tensors in CUDA's memory: there the state
 * travels once a run, which is why it takes more steps in one.
 */

import { availableParallelism } from "node:os";
import type { InferenceSession, OnnxValue } from "onnxruntime-node";
import { webgpuLowerings } from "../onnx/webgpu-lowerings.ts";
import { createDeviceParameters, type DeviceParameters } from "./device-parameters.ts";
import type { Batch, Engine, Executable } from "./engine.ts";
import {
  ofBatch,
  READ_INPUT,
  SCALARS_INPUT,
  STATE_NAMES,
  stateInput,
  unrolledSteps,
  withFlatParameters,
} from "./flat-parameters.ts";
import { gpuBufferStore, hostStore } from "./flat-store.ts";
import { fedNumbers, leavesOf, stepGraph } from "./leaves.ts";
import { asOrt, createSessions, emptyFor, ONNX_VERSION } from "./onnx-session.ts";

export interface DeviceEngineOptions {
  readonly provider: "webgpu" | "cuda" | "cpu";
  /** Steps in one graph; a power of two. */
  readonly unroll: number;
}

export function createDeviceEngine({ provider, unroll }: DeviceEngineOptions): Engine {
  const onWebgpu = provider === "webgpu";
  const sessions = createSessions({
    provider,
    threads: availableParallelism(),
    ...(onWebgpu && { lowerings: webgpuLowerings }),
  });
  const placed = new Set<DeviceParameters>();

  return {
    name: provider,
    device: "gpu",
    description: `ONNX Runtime ${ONNX_VERSION}`,

    async createParameters(initial, adam) {
      const parameters = createDeviceParameters(initial, adam, async (length) =>
        onWebgpu ? gpuBufferStore(sessions, length) : hostStore(length),
      );
      placed.add(parameters);
      return parameters;
    },

    async compile(program, source): Promise<Executable> {
      const { inputs, parameters } = leavesOf(program, source ? [source.parameters] : []);
      const own = source?.parameters as DeviceParameters;
      const flat = parameters.size > 0 ? withFlatParameters(program, own.layout, source!.use) : program;
      const session = await sessions.open(flat, "program");
      const results = Object.fromEntries(
        Object.entries(program).map(([name, tensor]) => [name, emptyFor(tensor)]),
      );
      const fetches = Object.fromEntries(
        Object.entries(program).map(([name, tensor]) => [name, asOrt(tensor, results[name]!)]),
      );
      return {
        async run(feeds) {
          const given: Record<string, OnnxValue> = {};
          for (const [name, tensor] of inputs) given[name] = asOrt(tensor, fedNumbers(feeds, name, tensor));
          if (parameters.size > 0) given[stateInput(source!.use)] = await own.current(source!.use);
          await session.run(given, fetches);
          return results;
        },
        dispose: () => sessions.close(session),
      };
    },

    async compileStep(loss, parameters, options = {}) {
      const own = parameters as DeviceParameters;
      const read = options.reads as DeviceParameters | undefined;
      const graph = stepGraph(loss, parameters, options);
      const outputs = Object.entries(graph.outputs);
      const { inputs } = leavesOf({ loss, ...graph.outputs }, [own, ...(read ? [read] : [])]);
      const step = { loss, ...graph, layout: own.layout, reads: read?.layout };
      const opened = new Map<number, Promise<InferenceSession>>();
      const sessionFor = (steps: number) => {
        let session = opened.get(steps);
        if (!session) {
          session = sessions.open(unrolledSteps(step, own.adam, steps), `${steps} steps`);
          opened.set(steps, session);
        }
        return session;
      };

      async function runTogether(batches: readonly Batch[]): Promise<Float32Array> {
        const session = await sessionFor(batches.length);
        const given: Record<string, OnnxValue> = {};
        const taken: Record<string, OnnxValue> = {};
        for (const [i, { feeds, into }] of batches.entries()) {
          for (const [name, tensor] of inputs) {
            given[ofBatch(name, i)] = asOrt(tensor, fedNumbers(feeds, name, tensor));
          }
          for (const [name, tensor] of outputs) {
            taken[ofBatch(name, i)] = asOrt(tensor, into?.[name] ?? emptyFor(tensor));
          }
        }
        if (read) given[READ_INPUT] = await read.current("weights");
        const losses = new Float32Array(batches.length);
        const learningRates = batches.map(({ learningRate }) => learningRate);
        await own.advance(learningRates, async ({ from, to, scalars }) => {
          given[SCALARS_INPUT] = asOrt({ dtype: "float32", shape: [scalars.length] }, scalars);
          for (const name of STATE_NAMES) given[stateInput(name)] = from[name];
          await session.run(given, {
            ...to,
            ...taken,
            losses: asOrt({ dtype: "float32", shape: [losses.length] }, losses),
          });
        });
        return losses;
      }

      return {
        unroll,
        async run(batches) {
          const losses: number[] = [];
          while (losses.length < batches.length) {
            // Whole runs first, then halves, quarters, …: a handful of graphs for every count there is.
            let steps = unroll;
            while (steps > batches.length - losses.length) steps /= 2;
            losses.push(...(await runTogether(batches.slice(losses.length, losses.length + steps))));
          }
          return losses;
        },
        async dispose() {
          for (const session of opened.values()) await sessions.close(await session);
        },
      };
    },

    async dispose() {
      for (const parameters of placed) await parameters.dispose();
      placed.clear();
      await sessions.closeAll();
    },
  };
}
