/** The generator as `model.onnx`, for ONNX Runtime in any language. */

import type { LayerSpec, OutputSpec } from "../../shared/manifest.ts";
import { reshape } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { ParameterValues } from "../engine/engine.ts";
import { applyLayers } from "../generators/layers.ts";
import { lowerToOnnx } from "../onnx/lower.ts";
import { encodeModel } from "../onnx/model-proto.ts";
import type { BundleFile } from "./files.ts";

/** Input `latents` [n, latentSize], output `samples` [n, …output.shape]; n is free. */
export function onnxModelFile(
  layers: readonly LayerSpec[],
  latentSize: number,
  output: OutputSpec,
  weights: ParameterValues,
): BundleFile {
  const samples = reshape(applyLayers(layers, input("latents", [1, latentSize])), [1, ...output.shape]);
  const graph = lowerToOnnx({ samples }, { name: "generator", parameters: weights, freeBatch: "n" });
  return { path: "model.onnx", bytes: new Uint8Array(encodeModel(graph)) };
}
