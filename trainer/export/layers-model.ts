/** The generator as a TF.js LayersModel: `model.json` and its weight files. */

import { type LayerSpec, LEAKY_SLOPE, MAX_FILE_BYTES, type OutputSpec } from "../../shared/manifest.ts";
import { sameShape } from "../autodiff/tensor.ts";
import type { ParameterValues } from "../engine/engine.ts";
import { layerName, layerParameters, layerShapes } from "../generators/layers.ts";
import { layerKind } from "../layers/index.ts";
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
    const { className, config } = layerKind(layer).keras(layer);
    const activation = "activation" in layer ? layer.activation : null;
    const leaky = { class_name: "LeakyReLU", config: { name: `leaky${i}`, alpha: LEAKY_SLOPE } };
    const itself = {
      class_name: className,
      config: {
        name: layerName(layer, i),
        trainable: true,
        dtype: "float32",
        ...config,
        ...(activation && {
          activation: activation === "leaky-relu" ? "linear" : activation,
          // Nothing is drawn at random only to be overwritten.
          kernel_initializer: { class_name: "Zeros", config: {} },
          bias_initializer: { class_name: "Zeros", config: {} },
        }),
        ...(i === 0 && { batch_input_shape: [null, latentSize] }),
      },
    };
    return activation === "leaky-relu" ? [itself, leaky] : [itself];
  });
  if (sameShape(layerShapes(layers, latentSize).at(-1)!, output.shape)) return keras;
  return [...keras, { class_name: "Reshape", config: { name: "image", target_shape: output.shape } }];
}
