/** The generator of an exported bundle, from the bundle's own weights. */

import { z } from "zod";
import { inputSizeOf } from "../shared/generator-inputs.ts";
import { inputSpecOf } from "../shared/manifest.ts";
import { ShapeError, sizeOf } from "./autodiff/tensor.ts";
import type { Bundle } from "./bundle-reader.ts";
import type { ParameterValues } from "./engine/engine.ts";
import type { FrozenGenerator } from "./generators/frozen.ts";
import { type LayerParameters, layerParameters } from "./generators/layers.ts";
import { InputError } from "./input-error.ts";

/** What of a TF.js LayersModel says where the weights are. */
const layersModelSchema = z.object({
  weightsManifest: z.array(
    z.object({
      paths: z.array(z.string()),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.number().int().positive()),
          dtype: z.literal("float32"),
          quantization: z.undefined().optional(),
        }),
      ),
    }),
  ),
});

/**
 * Reads the generator's weights from `model.json` and its files.
 *
 * @throws InputError naming the file, if it can't be read or isn't the model that the manifest describes
 */
export async function readGenerator(bundle: Bundle): Promise<FrozenGenerator> {
  const { generator } = bundle.manifest;
  const { labelCounts } = inputSpecOf(bundle.manifest);
  const weights = await readWeights(bundle);
  for (const { kernel, bias } of parametersOf(bundle)) {
    for (const { name, shape } of [kernel, bias]) {
      const expected = sizeOf(shape);
      if (weights[name]?.length !== expected) {
        throw refusal(
          bundle,
          `"${name}" has ${weights[name]?.length ?? 0} numbers, the manifest says ${expected}`,
        );
      }
    }
  }
  const latentSize = inputSizeOf(inputSpecOf(bundle.manifest));
  return { latentSize, labelCounts, layers: generator.layers, weights };
}

function parametersOf(bundle: Bundle): LayerParameters[] {
  const { generator } = bundle.manifest;
  try {
    return layerParameters(generator.layers, inputSizeOf(inputSpecOf(bundle.manifest)));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw refusal(bundle, `the manifest's layers don't fit together (${error.message})`);
  }
}

async function readWeights(bundle: Bundle): Promise<ParameterValues> {
  const text = new TextDecoder().decode(await bundle.read("model.json"));
  const weights: Record<string, Float32Array<ArrayBuffer>> = {};
  for (const { paths, weights: specs } of parseLayersModel(bundle, text).weightsManifest) {
    const parts = await Promise.all(paths.map((path) => bundle.read(path)));
    const bytes = await new Blob(parts).arrayBuffer();
    const expected = specs.reduce((count, { shape }) => count + sizeOf(shape), 0);
    if (bytes.byteLength !== 4 * expected) {
      throw refusal(
        bundle,
        `its weight files hold ${bytes.byteLength} bytes, its shapes say ${4 * expected}`,
      );
    }
    let offset = 0;
    for (const { name, shape } of specs) {
      weights[name] = new Float32Array(bytes, offset, sizeOf(shape));
      offset += 4 * sizeOf(shape);
    }
  }
  return weights;
}

function parseLayersModel(bundle: Bundle, text: string): z.infer<typeof layersModelSchema> {
  try {
    return layersModelSchema.parse(JSON.parse(text));
  } catch {
    throw refusal(bundle, "not a TF.js LayersModel with float32 weights");
  }
}

function refusal({ manifest }: Bundle, why: string): InputError {
  return new InputError(`${manifest.name}/model.json: ${why}. Export the model again.`);
}
