import { describe, expect, test } from "vitest";
import { createRandom } from "../shared/random.ts";
import { conv2d, transpose, upsample2d } from "../trainer/autodiff/operators.ts";
import { input, sizeOf } from "../trainer/autodiff/tensor.ts";
import { layerKind } from "../trainer/layers/index.ts";
import { interpret } from "./reference-engine.ts";

describe("a convolution after upsampling", () => {
  test.each([
    [2, 3],
    [2, 1],
    [2, 5],
    [3, 3],
    [1, 3],
  ])("by %i, of %i×%i, does what both do, without the large image", (factor, size) => {
    const spec = { kind: "conv" as const, filters: 3, kernelSize: size, activation: "linear" as const };
    const [x, kernel, bias] = [
      input("x", [2, 4, 3, 5]),
      input("kernel", [size, size, 4, 3]),
      input("bias", [3]),
    ];
    const layer = layerKind(spec).apply(spec, upsample2d(x, factor), { kernel, bias });
    const both = conv2d(upsample2d(x, factor), transpose(kernel, [3, 2, 0, 1]), {
      bias,
      padding: (size - 1) / 2,
    });
    const random = createRandom(7);
    const values = Object.fromEntries(
      [x, kernel, bias].map(({ attributes, shape }) => [
        attributes["name"] as string,
        random.fillNormal(new Float32Array(sizeOf(shape))),
      ]),
    );
    expect(layer.inputs.map(({ op }) => op)).not.toContain("upsample2d");
    const found = interpret({ layer, both }, values);
    expect(layer.shape).toEqual([2, 3, 3 * factor, 5 * factor]);
    for (const [i, value] of found.both.entries()) expect(found.layer[i]).toBeCloseTo(value, 10);
  });
});
