/** In a process of its own: whether ONNX Runtime's WebGPU provider finds an adapter, and one that is worth it. */

import { availableParallelism } from "node:os";
import { matmul } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Availability } from "./kind.ts";
import { loadFailure } from "./native-library.ts";
import { reportAvailability } from "./probe-process.ts";

/** Four products of 128 × 128 matrices: a GPU takes about a millisecond, SwiftShader on two cores 100. */
const SOFTWARE_SECONDS = 0.02;

reportAvailability(await probe());

async function probe(): Promise<Availability> {
  if (process.platform === "linux" && loadFailure("libvulkan.so.1") !== null) {
    return {
      works: false,
      reason: "Vulkan's loader, libvulkan.so.1, is missing",
      remedy: "`apt-get install libvulkan1` (and the card's driver)",
    };
  }
  try {
    if ((await secondsOf("webgpu", 128)) > SOFTWARE_SECONDS) {
      return { works: true, notForAuto: "a GPU in software" };
    }
    // Large enough that handing over the numbers doesn't count.
    const [onGpu, onCpu] = [await secondsOf("webgpu", 1024), await secondsOf("cpu", 1024)];
    return onGpu < onCpu ? { works: true } : { works: true, notForAuto: "slower than the CPU" };
  } catch (error) {
    const [line] = (error as Error).message.split("\n");
    return line!.includes("adapter")
      ? { works: false, reason: "no adapter", remedy: driverRemedy() }
      : { works: false, reason: line!, remedy: "update the graphics card's driver" };
  }
}

/** Four matrix products in a row, the second time. */
async function secondsOf(provider: "webgpu" | "cpu", size: number): Promise<number> {
  const { asOrt, createSessions } = await import("./onnx-session.ts"); // not before it can be of use
  const sessions = createSessions({ provider, threads: availableParallelism() });
  const x = input("x", [size, size]);
  const program = { y: matmul(matmul(matmul(matmul(x, x), x), x), x) };
  const session = await sessions.open(program, "probe");
  const feeds = { x: asOrt(x, new Float32Array(size * size)) };
  await session.run(feeds);
  const start = performance.now();
  await session.run(feeds);
  const seconds = (performance.now() - start) / 1000;
  await sessions.closeAll();
  return seconds;
}

function driverRemedy(): string {
  return process.platform === "linux"
    ? "`apt-get install mesa-vulkan-drivers`, or NVIDIA's own driver"
    : "install the graphics card's driver";
}
