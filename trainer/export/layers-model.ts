/** The generator as a TF.js LayersModel: `model.json` and its weight files. */

import { type LayerSpec, LEAKY_SLOPE, MAX_FILE_BYTES, type OutputSpec } from "../../shared/manifest.ts";
import type { ParameterValues } from "../engine/engine.ts";
import { layerParameters } from "../generators/layers.ts";
import { type BundleFile, shard } from "./files.ts";

/**
 * Files that `tf.loadLayersModel` reads: latents [n, latentSize] in, [n, …output.shape] out.
 *
 * @param weights by the names of `layerParameters`
 */
export function layersModelFiles(
  layers: readonly LayerSpec[],
  latentSize: number,
  output: OutputSpec,
  weights: ParameterValues,
): BundleFile[] {
  const specs = layerParameters(layers, latentSize).flatMap(({ kernel, bias }) => [kernel, bias]);
  const parts = shard(
    specs.map(({ name }) => weights[name]!),
    MAX_FILE_BYTES,
  ).map((bytes, i) => ({ path: `weights.${i}.bin`, bytes }));
  const model = {
    format: "layers-model",
    generatedBy: "imle-edge",
    convertedBy: null,
    modelTopology: {
      class_name: "Sequential",
      config: { name: "generator", layers: kerasLayers(layers, latentSize, output) },
      keras_version: "tfjs-layers 4.22.0",
      backend: "tensor_flow.js",
    },
    weightsManifest: [
      {
        paths: parts.map(({ path }) => path),
        weights: specs.map(({ name, shape }) => ({ name, shape, dtype: "float32" })),
      },
    ],
  };
  return [{ path: "model.json", bytes: new TextEncoder().encode(JSON.stringify(model)) }, ...parts];
}

function kerasLayers(layers: readonly LayerSpec[], latentSize: number, output: OutputSpec): object[] {
  const keras = layers.flatMap((layer, i) => {
    const leaky = layer.activation === "leaky-relu";
    const dense = {
      class_name: "Dense",
      config: {
        name: `dense${i}`,
        trainable: true,
        dtype: "float32",
        units: layer.units,
        activation: leaky ? "linear" : layer.activation,
        use_bias: true,
        kernel_initializer: { class_name: "Zeros", config: {} },
        bias_initializer: { class_name: "Zeros", config: {} },
        ...(i === 0 && { batch_input_shape: [null, latentSize] }),
      },
    };
    const activation = { class_name: "LeakyReLU", config: { name: `leaky${i}`, alpha: LEAKY_SLOPE } };
    return leaky ? [dense, activation] : [dense];
  });
  if (output.kind === "vector") return keras;
  return [...keras, { class_name: "Reshape", config: { name: "image", target_shape: output.shape } }];
}
