/** Where an engine's flat tensors lie: in the GPU's memory, or in the host's if the binding can't leave them there. */

import * as ort from "onnxruntime-node";
import { broadcastTo } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import { asOrt, type Sessions } from "./onnx-session.ts";

/** Tensors of one length. */
export interface FlatStore {
  allocate(): Promise<ort.Tensor>;
  write(tensor: ort.Tensor, values: Float32Array<ArrayBuffer>): Promise<void>;
  /** A copy. */
  read(tensor: ort.Tensor): Promise<Float32Array<ArrayBuffer>>;
  /** Tensors are disposed of one by one. */
  dispose(): Promise<void>;
}

export function hostStore(length: number): FlatStore {
  return {
    allocate: async () => asOrt({ dtype: "float32", shape: [length] }, new Float32Array(length)),
    write: async (tensor, values) => (tensor.data as Float32Array).set(values),
    read: async (tensor) => (tensor.data as Float32Array<ArrayBuffer>).slice(),
    dispose: async () => {},
  };
}

/**
 * Buffers of the WebGPU provider. All its sessions share one device, so that what one session allocates another
 * reads and writes. The binding moves them by no call of its own: a session that does nothing does.
 */
export async function gpuBufferStore(sessions: Sessions, length: number): Promise<FlatStore> {
  const zero = broadcastTo(input("zero", [1]), [length]);
  const allocation = await sessions.open({ tensor: zero }, "allocation", {
    preferredOutputLocation: "gpu-buffer",
  });
  const copy = await sessions.open({ target: input("source", [length]) }, "copy");
  const inMemory = (values: Float32Array<ArrayBuffer>) =>
    asOrt({ dtype: "float32", shape: [length] }, values);
  return {
    async allocate() {
      const { tensor } = await allocation.run({ zero: new ort.Tensor("float32", [0], [1]) });
      return tensor!;
    },
    async write(tensor, values) {
      await copy.run({ source: inMemory(values) }, { target: tensor });
    },
    async read(tensor) {
      const values = new Float32Array(length);
      await copy.run({ source: tensor }, { target: inMemory(values) });
      return values;
    },
    async dispose() {
      await sessions.close(allocation);
      await sessions.close(copy);
    },
  };
}
