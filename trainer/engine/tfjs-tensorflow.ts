import type { EngineKind } from "./kind.ts";
import { moduleBeside } from "./own-process.ts";
import { missingPackage } from "./packages.ts";
import { probeInProcess } from "./probe-process.ts";
import type { TensorflowPackage } from "./tfjs/tensorflow.ts";

export const tfjsTensorflow = kindOf("tfjs:tensorflow", "TF.js on TensorFlow, CPU", "@tensorflow/tfjs-node");

/** Bound to CUDA 11.2, so cards newer than Ampere run it slowly or not at all. */
export const tfjsTensorflowGpu = kindOf(
  "tfjs:tensorflow-gpu",
  "TF.js on TensorFlow, NVIDIA GPU",
  "@tensorflow/tfjs-node-gpu",
);

function kindOf(name: string, about: string, packageName: TensorflowPackage): EngineKind {
  // The version of TF.js that everything else here is of.
  const install = `\`npm install ${packageName}@4.22.0\``;
  return {
    name,
    about,
    probe: async () =>
      missingPackage([packageName], install) ??
      probeInProcess({
        script: moduleBeside(import.meta, "./tfjs/tensorflow-probe"),
        arguments: [packageName],
        remedy: `\`npm rebuild ${packageName}\``,
        timeLimitMs: 30_000, // the library is half a gigabyte
      }),
    async create() {
      const { tensorflowBackend } = await import("./tfjs/tensorflow.ts");
      const { createTfjsEngine } = await import("./tfjs-engine.ts");
      return createTfjsEngine(name, await tensorflowBackend(packageName));
    },
  };
}
