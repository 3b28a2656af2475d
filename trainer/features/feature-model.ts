/** A model that the user names, as features: an ONNX file, or a TF.js LayersModel. */

import { stat } from "node:fs/promises";
import { InputError } from "../input-error.ts";
import type { Features } from "./features.ts";
import { readOnnxFeatures } from "./onnx-features.ts";

/**
 * @param path  of an `.onnx`, or of a LayersModel's `model.json`
 * @param shape of an example: [height, width, channels], pixels 0 … 1, or [length]
 * @throws InputError if it can't be read, takes other examples, or holds operators that aren't known here
 */
export async function readFeatureModel(path: string, shape: readonly number[]): Promise<Features> {
  if (!(await stat(path).catch(() => null))?.isFile()) {
    throw new InputError(`config: objective.featureModel: there is no file ${path}.`);
  }
  try {
    if (path.endsWith(".onnx")) return await readOnnxFeatures(path, shape);
    if (path.endsWith(".json")) {
      const { readLayersFeatures } = await import("./layers-features.ts"); // with it comes TF.js
      return await readLayersFeatures(path, shape);
    }
  } catch (error) {
    throw new InputError(`config: objective.featureModel: ${path}: ${(error as Error).message}.`);
  }
  throw new InputError(
    `config: objective.featureModel: ${path}: expected an .onnx file or a TF.js model.json.`,
  );
}
