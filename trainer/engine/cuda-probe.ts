/** In a process of its own: whether ONNX Runtime's CUDA provider is installed and finds a card. */

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { relu } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Availability } from "./kind.ts";
import { loadFailure } from "./native-library.ts";
import { reportAvailability } from "./probe-process.ts";

reportAvailability(await probe());

async function probe(): Promise<Availability> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return {
      works: false,
      reason: "onnxruntime-node has its CUDA provider for Linux on x64 alone",
      remedy: "take --engine webgpu",
    };
  }
  if (loadFailure("libcuda.so.1") !== null) {
    return { works: false, reason: "no NVIDIA driver (libcuda.so.1)", remedy: "install NVIDIA's driver" };
  }
  if (!existsSync(providerLibrary())) {
    return {
      works: false,
      reason: "ONNX Runtime's CUDA provider isn't installed",
      remedy: "`node node_modules/onnxruntime-node/script/install --onnxruntime-node-install=cuda12`",
    };
  }
  try {
    const { createSessions } = await import("./onnx-session.ts"); // not before it can be of use
    const sessions = createSessions({ provider: "cuda", threads: availableParallelism() });
    await sessions.open({ y: relu(input("x", [1])) }, "probe");
    await sessions.closeAll();
    return { works: true };
  } catch (error) {
    const { message } = error as Error;
    const library = /lib[\w.+-]+\.so[\d.]*(?=: cannot open)/.exec(message)?.[0];
    return library
      ? {
          works: false,
          reason: `${library} is missing`,
          remedy: "`apt-get install cuda-libraries-12-8 libcudnn9-cuda-12` from NVIDIA's repository",
        }
      : { works: false, reason: message.split("\n")[0]!, remedy: "update NVIDIA's driver" };
  }
}

/** Beside the binding, where the package's install script puts it. */
function providerLibrary(): string {
  const packageFolder = dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
  return join(packageFolder, "bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so");
}
