/** The served models: their newest versions, loaded on first use and kept while there is room. */

import { BundleError, parseManifest } from "../shared/manifest.ts";
import type { ScanKernels } from "../shared/training-scan.ts";
import type { VectorDatabase } from "../shared/vector-index.ts";
import type { LoadGenerator } from "./generator.ts";
import { type KeepAlive, type KeptCopy, keepCopy, type Tagged } from "./kept-copy.ts";
import { createMemoryBudget } from "./memory-budget.ts";
import { createModel, type LoadedModel, type Model } from "./model.ts";
import { Problem } from "./problem.ts";
import { MODEL_LIST, type ModelStorage, manifestPath, readWhole } from "./storage/storage.ts";

export interface ModelStore {
  /** Names of the served models; the first is the default. */
  readonly names: (keepAlive: KeepAlive) => Promise<readonly string[]>;
  /**
   * The newest version of a model that is known.
   *
   * @throws Problem unknown-model; BundleError if it can't be read or trusted
   */
  readonly model: (name: string, keepAlive: KeepAlive) => Promise<Model>;
}

export interface ModelStoreOptions {
  readonly storage: ModelStorage;
  /** Of weights and training examples of all models together. */
  readonly memoryBytes: number;
  readonly loadGenerator: LoadGenerator;
  readonly scanKernels: ScanKernels;
  /** For models that are searched by it; null: there is none. */
  readonly vectors: VectorDatabase | null;
}

export function createModelStore(options: ModelStoreOptions): ModelStore {
  const { storage } = options;
  const budget = createMemoryBudget(options.memoryBytes);
  const list = keepCopy<readonly string[]>(async (current) => {
    const { response, bytes } = await readWhole(storage, MODEL_LIST, current?.tag);
    if (current && response.status === 304) return current;
    return { value: parseNames(new TextDecoder().decode(bytes)), tag: response.headers.get("etag") };
  }, storage.refreshMs);
  const models = new Map<string, KeptCopy<LoadedModel>>();

  const readModel = async (name: string, current: Tagged<LoadedModel> | null) => {
    const path = manifestPath(name);
    const { response, bytes } = await readWhole(storage, path, current?.tag);
    if (current && response.status === 304) return current;
    const text = new TextDecoder().decode(bytes);
    const manifest = await parseManifest(text, path);
    const tag = response.headers.get("etag");
    if (current?.value.manifest.version === manifest.version) return { value: current.value, tag };
    const onRefused = () => models.get(name)?.doubt();
    const model = createModel(manifest, text, { ...options, budget, onRefused });
    if (current) {
      // What was ready to sample goes on being so, and a version that can't be loaded doesn't replace one that can.
      if (current.value.hasGenerator()) await model.generator();
      current.value.retire();
    }
    return { value: model, tag };
  };

  return {
    names: list.get,
    async model(name, keepAlive) {
      const known = await list.get(keepAlive);
      if (!known.includes(name)) {
        throw new Problem(
          "unknown-model",
          `no model "${name}" is served here; there are: ${known.join(", ")}`,
        );
      }
      let copy = models.get(name);
      if (!copy) {
        copy = keepCopy((current) => readModel(name, current), storage.refreshMs);
        models.set(name, copy);
      }
      return copy.get(keepAlive);
    },
  };
}

function parseNames(text: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(text);
    if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string"))
      return names;
  } catch {
    // As anything else that isn't a list of names.
  }
  throw new BundleError(`${MODEL_LIST}: expected a JSON array of models' names. Deploy the models again.`);
}
