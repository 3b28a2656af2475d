/** Symbolic programs as sessions of ONNX Runtime. */

import * as ort from "onnxruntime-node";
import { add } from "../autodiff/operators.ts";
import { input, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Lowerings, lowerToOnnx } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/model-proto.ts";
import type { Numbers, Program } from "./engine.ts";

// What goes wrong comes back as an exception; in the log it would be there twice.
ort.env.logLevel = "fatal";

export interface SessionSettings {
  readonly provider: "cpu" | "webgpu" | "cuda";
  /** Threads of one operator on the CPU. */
  readonly threads: number;
  readonly lowerings?: Lowerings;
}

/** The sessions of one engine. */
export interface Sessions {
  open(
    program: Program,
    name: string,
    extra?: ort.InferenceSession.SessionOptions,
  ): Promise<ort.InferenceSession>;
  /** Nothing happens to one that is closed already. */
  close(session: ort.InferenceSession): Promise<void>;
  closeAll(): Promise<void>;
}

export function createSessions({ provider, threads, lowerings = {} }: SessionSettings): Sessions {
  const sessions = new Set<ort.InferenceSession>();
  let device: Promise<ort.InferenceSession> | undefined;
  const close = async (session: ort.InferenceSession) => {
    if (sessions.delete(session)) await session.release();
  };
  return {
    async open(program, name, extra = {}) {
      if (provider === "webgpu") await (device ??= holdDevice());
      const model = encodeModel(lowerToOnnx(program, { name, lowerings }));
      const session = await ort.InferenceSession.create(model, {
        executionProviders: [provider],
        intraOpNumThreads: threads,
        interOpNumThreads: 1,
        graphOptimizationLevel: "all",
        logSeverityLevel: 4,
        extra: {
          session: {
            // Subnormal numbers make a multiplication about 100 times slower and matter to nobody.
            set_denormal_as_zero: "1",
            // Every session has its own threads. Without this they spin on after a run and take the cores
            // from the next session: a search that alternates between four took 430 ms instead of 177.
            force_spinning_stop: "1",
          },
          // A CPU's product that reads its first operand transposed packs it anew for every panel of the second:
          // an MLP's step took 5 % longer at batch 1024 than with the operand transposed beforehand, 10 % at 1000.
          ...(provider === "cpu" && {
            optimization: { disable_specified_optimizers: "GemmTransposeFusion" },
          }),
        },
        ...extra,
      });
      sessions.add(session);
      return session;
    },
    close,
    async closeAll() {
      for (const session of sessions) await close(session);
      await (await device)?.release();
      device = undefined;
    },
  };
}

/**
 * The provider's device, and with it every shader that it has compiled, goes with the last of its sessions. One that
 * stays keeps it: opening and running a program took 19 ms instead of 141 (SwiftShader).
 */
function holdDevice(): Promise<ort.InferenceSession> {
  const model = encodeModel(lowerToOnnx({ y: add(input("x", [1]), 0) }, { name: "device" }));
  return ort.InferenceSession.create(model, { executionProviders: ["webgpu"], logSeverityLevel: 4 });
}

export const ONNX_VERSION = ort.env.versions.node ?? ort.env.versions.common;

export function emptyFor({ dtype, shape }: Tensor): Numbers {
  return dtype === "float32" ? new Float32Array(sizeOf(shape)) : new Int32Array(sizeOf(shape));
}

export function asOrt({ dtype, shape }: Pick<Tensor, "dtype" | "shape">, values: Numbers): ort.Tensor {
  return new ort.Tensor(dtype, values, shape);
}
