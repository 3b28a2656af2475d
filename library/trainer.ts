/** `imle-edge/trainer`: training from code, with data, generators and objectives of one's own. */

export type { LayerSpec, Manifest } from "../shared/manifest.ts";
export { createRandom, type Random } from "../shared/random.ts";
export * as operators from "../trainer/autodiff/operators.ts";
export { input, parameter, type Shape, type Tensor } from "../trainer/autodiff/tensor.ts";
export { type Bundle, openBundle } from "../trainer/bundle-reader.ts";
export { type Config, type ConfigOverrides, resolveConfig } from "../trainer/config.ts";
export { type Dataset, type Rows, sliceRows } from "../trainer/data/dataset.ts";
export { type DatasetRequest, loadDataset } from "../trainer/data/index.ts";
export {
  DEFAULT_COUNTS,
  type PartCounts,
  type ProceduralSource,
  proceduralSource,
  type Recipe,
} from "../trainer/data/procedural.ts";
export { shuffleAndSplit } from "../trainer/data/split.ts";
export { DivergedError } from "../trainer/diverged-error.ts";
export { createEngine, ENGINES } from "../trainer/engine/index.ts";
export { evaluate } from "../trainer/evaluate.ts";
export {
  type Architecture,
  type Generator,
  type GeneratorRequest,
  generatorOf,
} from "../trainer/generators/generator.ts";
export { GENERATORS } from "../trainer/generators/index.ts";
export { InputError } from "../trainer/input-error.ts";
export { OBJECTIVES } from "../trainer/objectives/index.ts";
export { createMatchedDescent } from "../trainer/objectives/matched-descent.ts";
export type { Objective, ObjectiveContext, Training } from "../trainer/objectives/objective.ts";
export type { Pairing, Pairs, Round } from "../trainer/objectives/pairing.ts";
export { examplesPick, latentsAt } from "../trainer/objectives/picking.ts";
export { createSubsets } from "../trainer/objectives/subsets.ts";
export { PRESETS, type Preset } from "../trainer/presets/index.ts";
export { createReporter, type Reporter, type TrainingProgress } from "../trainer/run/reporter.ts";
export { type ResumedRun, type RunFolder, resumeRunFolder } from "../trainer/run/run-folder.ts";
export { type TrainOutcome, type TrainRequest, train } from "../trainer/train.ts";
