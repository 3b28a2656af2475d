/** Distances between what a model sees in two examples: its own autoencoder's code, or the output of the user's model. */

import { multiply } from "../autodiff/operators.ts";
import { fitAutoencoder } from "../features/autoencoder.ts";
import { readFeatureModel } from "../features/feature-model.ts";
import type { Features } from "../features/features.ts";
import { meanSquaredL2 } from "../features/mean-distance.ts";
import type { Distance, DistanceContext, DistanceKind } from "./distance.ts";
import { squaredL2Of } from "./squared-l2.ts";

/**
 * Squared L2 in the features, on a scale where two examples are on average as far apart as they are in the numbers
 * that they are made of. So weights, radii and learning rates mean what they mean for `l2`.
 */
export const features: DistanceKind = {
  name: "features",
  async prepare(context: DistanceContext): Promise<Distance> {
    const { featureModel } = context.config.objective;
    const model = featureModel
      ? await readFeatureModel(featureModel, context.shape)
      : await fitAutoencoder(context);
    const scale = await scaleOf(model, context);
    return squaredL2Of("features", { length: model.length, of: (x) => multiply(model.of(x), scale) });
  },
};

async function scaleOf(model: Features, context: DistanceContext): Promise<number> {
  const own = await meanSquaredL2(context, { length: context.train.length, of: (x) => x });
  const seen = await meanSquaredL2(context, model);
  return Math.sqrt(own / seen);
}
