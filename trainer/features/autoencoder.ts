/**
 * A small convolutional autoencoder, fitted to the training images before the generator is trained: what its code
 * keeps of an image is what images of this data set differ by. It is shown noisy images and gives back clean ones, so
 * that its code does not follow noise.
 *
 * Source: Vincent, Larochelle, Bengio, Manzagol 2008, "Extracting and composing robust features with denoising
 * autoencoders", ICML.
 */

import { createRandom } from "../../shared/random.ts";
import {
  add,
  conv2d,
  convTranspose2d,
  dense,
  mean,
  multiply,
  relu,
  reshape,
  sigmoid,
  square,
  subtract,
} from "../autodiff/operators.ts";
import { constant, input, parameter, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import type { DistanceContext } from "../distances/distance.ts";
import type { InitialParameter } from "../engine/engine.ts";
import { InputError } from "../input-error.ts";
import { type ImageShape, imagesFromRows, rowsFromImages } from "../layers/image.ts";
import type { Features } from "./features.ts";

/** Channels after the first and the second halving of the image. */
const CHANNELS = [16, 32] as const;
const CODE_SIZE = 64;
const BATCH_SIZE = 128;
/** Standard deviation of the noise, in model space (pixels 0 … 1). */
const NOISE = 0.2;
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, averageDecay: 0 };
const LEARNING_RATE = 2e-3;

/**
 * Fits one for `config.objective.featureSteps` steps; the same seed gives the same one on the same engine.
 *
 * @throws InputError if the examples aren't images, or are too small to be halved twice
 */
export async function fitAutoencoder(context: DistanceContext): Promise<Features> {
  const { engine, train, shape, space, config } = context;
  if (shape.length !== 3 || Math.min(shape[0]!, shape[1]!) < 4) {
    throw new InputError(
      `config: distance "features" fits an autoencoder to images of 4×4 pixels and more, and examples are ` +
        `${shape.join("×")} numbers. Say --set objective.distance=l2, or name a model by objective.featureModel.`,
    );
  }
  const network = autoencoderOf(shape as Shape as ImageShape);
  const random = createRandom(config.seed).fork("autoencoder");
  const parameters = await engine.createParameters(
    network.weights.map((weight) => initialised(weight, random.fork(weight.name))),
    ADAM,
  );
  const batchSize = Math.min(BATCH_SIZE, train.count);
  const [clean, noise] = ["examples", "noise"].map((name) => input(name, [batchSize, train.length]));
  const restored = network.decode(network.encode(add(clean!, multiply(noise!, NOISE)), trained));
  const step = await engine.compileStep(mean(square(subtract(restored, clean!))), parameters);
  const { featureSteps } = config.objective;
  for (let done = 0; done < featureSteps; done += step.unroll) {
    const count = Math.min(step.unroll, featureSteps - done);
    await step.run(
      Array.from({ length: count }, (_, i) => {
        const draws = random.fork("batch", done + i);
        const rows = Array.from({ length: batchSize }, () => draws.below(train.count));
        const progress = (done + i) / featureSteps;
        return {
          feeds: {
            examples: space.gather(train, rows),
            noise: draws.fillNormal(new Float32Array(batchSize * train.length)),
          },
          learningRate: LEARNING_RATE * 0.5 * (1 + Math.cos(Math.PI * progress)),
        };
      }),
    );
  }
  const { weights } = await parameters.read();
  await step.dispose();
  await parameters.dispose();
  const fixed: Weight = (name, shape) => constant(weights[name]!, shape);
  return { length: CODE_SIZE, of: (examples) => network.encode(examples, fixed) };
}

/** Gives a weight by its name: what is trained, or what has been. */
type Weight = (name: string, shape: Shape) => Tensor;
const trained: Weight = parameter;

interface WeightSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Numbers that each output is a sum over; 0 for biases. */
  readonly fanIn: number;
}

function autoencoderOf(shape: ImageShape) {
  const [height, width, channels] = shape;
  const sides = [height, width] as const;
  const halved = sides.map((side) => Math.ceil(side / 2)) as [number, number];
  const quartered = halved.map((side) => Math.ceil(side / 2)) as [number, number];
  const [first, second] = CHANNELS;
  const flat = sizeOf(quartered) * second;
  const weights: WeightSpec[] = [];
  const declare = (name: string, kernel: Shape, units: number, fanIn: number) => {
    weights.push(
      { name: `${name}/kernel`, shape: kernel, fanIn },
      { name: `${name}/bias`, shape: [units], fanIn: 0 },
    );
  };
  declare("encode1", [first, channels, 3, 3], first, 9 * channels);
  declare("encode2", [second, first, 3, 3], second, 9 * first);
  declare("code", [flat, CODE_SIZE], CODE_SIZE, flat);
  declare("decode0", [CODE_SIZE, flat], flat, CODE_SIZE);
  declare("decode1", [second, first, 3, 3], first, (9 * second) / 4);
  declare("decode2", [first, channels, 3, 3], channels, (9 * first) / 4);

  const of = (weight: Weight, name: string) => {
    const [kernel, bias] = ["kernel", "bias"].map((part) => {
      const spec = weights.find((each) => each.name === `${name}/${part}`)!;
      return weight(spec.name, spec.shape);
    });
    return { kernel: kernel!, bias: bias! };
  };
  const shrink = (x: Tensor, { kernel, bias }: { kernel: Tensor; bias: Tensor }) =>
    conv2d(x, kernel, { bias, stride: 2, padding: 1 });
  const grow = (x: Tensor, { kernel, bias }: { kernel: Tensor; bias: Tensor }, to: readonly number[]) =>
    convTranspose2d(x, kernel, {
      bias,
      stride: 2,
      padding: 1,
      outputPadding: to.map((side, axis) => side - (2 * x.shape[axis + 2]! - 1)) as [number, number],
    });
  return {
    weights,
    /** [n, numbers of an example] → [n, CODE_SIZE] */
    encode(rows: Tensor, weight: Weight): Tensor {
      const half = relu(shrink(imagesFromRows(rows, shape), of(weight, "encode1")));
      const quarter = relu(shrink(half, of(weight, "encode2")));
      const { kernel, bias } = of(weight, "code");
      return dense(reshape(quarter, [rows.shape[0]!, flat]), kernel, bias);
    },
    decode(codes: Tensor): Tensor {
      const { kernel, bias } = of(trained, "decode0");
      const quarter = reshape(relu(dense(codes, kernel, bias)), [codes.shape[0]!, second, ...quartered]);
      const half = relu(grow(quarter, of(trained, "decode1"), halved));
      return rowsFromImages(sigmoid(grow(half, of(trained, "decode2"), sides)));
    },
  };
}

function initialised(
  { name, shape, fanIn }: WeightSpec,
  random: ReturnType<typeof createRandom>,
): InitialParameter {
  const values = new Float32Array(sizeOf(shape));
  if (fanIn > 0) {
    const deviation = Math.sqrt(2 / fanIn);
    random.fillNormal(values);
    for (let i = 0; i < values.length; i++) values[i]! *= deviation;
  }
  return { name, shape, values };
}
