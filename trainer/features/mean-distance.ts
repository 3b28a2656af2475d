import { createRandom } from "../../shared/random.ts";
import { square, subtract, sum } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { DistanceContext } from "../distances/distance.ts";
import type { Features } from "./features.ts";

const PAIRS = 256;

/** How far apart two training examples are in such features: the mean squared L2 distance of random pairs. */
export async function meanSquaredL2(
  { engine, train, space, config }: DistanceContext,
  features: Features,
): Promise<number> {
  const random = createRandom(config.seed).fork("pairs of examples");
  const draw = () =>
    space.gather(
      train,
      Array.from({ length: PAIRS }, () => random.below(train.count)),
    );
  const side = (name: string) => features.of(input(name, [PAIRS, train.length]));
  const program = await engine.compile({ squared: sum(square(subtract(side("a"), side("b"))), [1]) });
  const { squared } = await program.run({ a: draw(), b: draw() });
  const mean = (squared as Float32Array).reduce((total, value) => total + value, 0) / PAIRS;
  await program.dispose();
  return mean;
}
