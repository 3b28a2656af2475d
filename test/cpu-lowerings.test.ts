import { expect, test } from "vitest";
import { differentiate } from "../trainer/autodiff/gradients.ts";
import { relu, sum } from "../trainer/autodiff/operators.ts";
import { parameter } from "../trainer/autodiff/tensor.ts";
import { createOnnxEngine } from "../trainer/engine/onnx-engine.ts";

const SMALLEST_NORMAL = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

test("a rectifier's derivative is exactly 0 or 1, down to the smallest normal number", async () => {
  const engine = createOnnxEngine({ threads: 1 });
  const values = Float32Array.of(-LARGEST, -1, -SMALLEST_NORMAL, 0, SMALLEST_NORMAL, 1e-20, 0.5, 3, LARGEST);
  const x = parameter("x", [values.length]);
  const adam = { beta1: 0, beta2: 0, epsilon: 1, weightDecay: 0, averageDecay: 0 };
  const parameters = await engine.createParameters([{ name: "x", shape: x.shape, values }], adam);
  const [derivative] = differentiate(sum(relu(x)), [x]);
  const program = await engine.compile({ derivative: derivative! }, { parameters, use: "weights" });
  const result = await program.run({});
  expect([...result["derivative"]!]).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1]);
  await engine.dispose();
});
