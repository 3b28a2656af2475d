import { describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { input } from "../trainer/autodiff/tensor.ts";
import type { GeneratorRequest } from "../trainer/generators/generator.ts";
import { GENERATORS } from "../trainer/generators/index.ts";
import { InputError } from "../trainer/input-error.ts";
import { interpret } from "./reference-engine.ts";

const request: GeneratorRequest = {
  latentSize: 3,
  hidden: [6],
  channels: [4, 3],
  activation: "relu",
  outputShape: [8, 12, 1],
  outputActivation: "sigmoid",
};

const shapes = [
  [28, 28, 1],
  [32, 32, 3],
  [64, 64, 3],
  [8, 12, 1],
  [48, 36, 3],
];

describe.each(Object.entries(GENERATORS))("architecture %s", (kind, create) => {
  test.each(shapes)("makes rows of %i×%i×%i", (...outputShape) => {
    const generator = create({ ...request, outputShape });
    const size = outputShape.reduce((a, b) => a * b);
    expect(generator.outputSize).toBe(size);
    expect(generator.apply(input("latents", [7, 3])).shape).toEqual([7, size]);
  });

  test("its first weights are drawn by name, and let a signal of about its own size through", () => {
    const generator = create({ ...request, hidden: [200], channels: [16, 16], outputActivation: "linear" });
    const initial = generator.initialParameters(createRandom(1));
    expect(generator.initialParameters(createRandom(1))).toEqual(initial);
    const latents = createRandom(2).fillNormal(new Float32Array(20 * 3));
    const weights = Object.fromEntries(initial.map(({ name, values }) => [name, values]));
    const { rows } = interpret({ rows: generator.apply(input("latents", [20, 3])) }, { latents, ...weights });
    const variance = rows.reduce((total, value) => total + value ** 2, 0) / rows.length;
    expect(variance).toBeGreaterThan(0.2);
    expect(variance).toBeLessThan(5);
  });

  test("vectors: made by dense layers, refused with the way out by the others", () => {
    const make = () => create({ ...request, outputShape: [2] });
    if (kind === "mlp") expect(make().outputSize).toBe(2);
    else {
      expect(make).toThrow(InputError);
      expect(make).toThrow(/makes images, the data has rows of 2 numbers\. Say --set generator\.kind=mlp\./);
    }
  });
});

test.each(["dcgan", "upsample-conv"])("%s: sides that can't be halved as often are refused", (kind) => {
  const make = (outputShape: readonly number[], channels: readonly number[]) => () =>
    GENERATORS[kind]!({ ...request, outputShape, channels });
  expect(make([28, 28, 1], [64, 32, 16])).toThrow(
    "config: generator.channels: 3 sizes need sides that divide by 8, the images are 28×28. Give 1 to 2 numbers.",
  );
  expect(make([8, 6, 1], [4, 4])).toThrow("the images are 8×6. Give 1 number.");
  expect(make([7, 8, 1], [4])).toThrow("the images are 7×8. Give images of even sides");
  expect(make([28, 28, 1], [64, 32, 16])).toThrow(InputError);
});
