/** The ceiling: how long the bare matrix products of a computation take. */

import { createRandom } from "../shared/random.ts";
import { matmul } from "../trainer/autodiff/operators.ts";
import { input, type Tensor } from "../trainer/autodiff/tensor.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import type { Product } from "./models.ts";
import { type Contestant, timeCalls } from "./turns.ts";

/** All `products` in one program, one after another. */
export async function prepareProducts(engine: Engine, products: readonly Product[]): Promise<Contestant> {
  const program: Record<string, Tensor> = {};
  const feeds: Record<string, Float32Array<ArrayBuffer>> = {};
  const random = createRandom(1);
  const matrix = (name: string, rows: number, columns: number) => {
    feeds[name] = random.fillNormal(new Float32Array(rows * columns));
    return input(name, [rows, columns]);
  };
  for (const [i, [n, inner, m]] of products.entries()) {
    program[`product${i}`] = matmul(matrix(`a${i}`, n, inner), matrix(`b${i}`, inner, m));
  }
  const executable = await engine.compile(program);
  return {
    label: "matrix products",
    time: (count) => timeCalls(count, () => executable.run(feeds)),
  };
}
