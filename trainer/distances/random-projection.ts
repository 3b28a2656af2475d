import { createRandom } from "../../shared/random.ts";
import { matmul } from "../autodiff/operators.ts";
import { constant } from "../autodiff/tensor.ts";
import { InputError } from "../input-error.ts";
import type { DistanceKind } from "./distance.ts";
import { squaredL2Of } from "./squared-l2.ts";

/**
 * ‖R(a − b)‖² with R random: on average ‖a − b‖², computed on fewer numbers.
 *
 * Source: Johnson & Lindenstrauss 1984; RS-IMLE measures its radius in such a space (arXiv:2409.17439).
 */
export const randomProjection: DistanceKind = {
  name: "random-projection",
  async prepare({ train, config }) {
    const { length } = train;
    const { projectionSize } = config.objective;
    if (projectionSize >= length) {
      throw new InputError(
        `config: objective.projectionSize ${projectionSize} is no less than the ${length} numbers of an example. ` +
          `Say --set objective.distance=l2.`,
      );
    }
    const directions = createRandom(config.seed)
      .fork("random projection")
      .fillNormal(new Float32Array(length * projectionSize))
      .map((value) => value / Math.sqrt(projectionSize));
    const matrix = constant(directions, [length, projectionSize]);
    return squaredL2Of("random-projection", { length: projectionSize, of: (x) => matmul(x, matrix) });
  },
};
