/** Where learned codes begin: an example's principal components, scaled into the unit ball. */

import { matmul } from "../autodiff/operators.ts";
import { input } from "../autodiff/tensor.ts";
import type { Rows } from "../data/dataset.ts";
import type { ModelSpace } from "../data/model-space.ts";
import type { Engine } from "../engine/engine.ts";
import { padRows } from "../engine/padding.ts";
import { createPrincipalDirections } from "../search/principal-directions.ts";

/** Examples that the directions are found from; more turn them by nothing that matters to a beginning. */
const MOST_ROWS = 4096;
const TILE_ROWS = 2048;

/**
 * @param size numbers in a code; at most as many as there are examples
 * @returns    [train.count, size], the longest of length 1
 */
export async function firstCodes(
  engine: Engine,
  train: Rows,
  space: ModelSpace,
  size: number,
): Promise<Float32Array<ArrayBuffer>> {
  const { length, count } = train;
  // Spread over the data, which may be in order of class.
  const rowCount = Math.min(MOST_ROWS, count);
  const some = space.gather(
    train,
    Array.from({ length: rowCount }, (_, i) => Math.floor((i * count) / rowCount)),
  );
  const centre = new Float64Array(length);
  for (let i = 0; i < some.length; i++) centre[i % length]! += some[i]! / rowCount;
  const centred = (rows: Float32Array) => Float32Array.from(rows, (value, i) => value - centre[i % length]!);

  const principal = createPrincipalDirections(engine, { rowCount, length, directionCount: size });
  const directions = await principal.of(centred(some));
  await principal.dispose();

  const program = await engine.compile({
    codes: matmul(input("rows", [TILE_ROWS, length]), input("directions", [size, length]), {
      transposeB: true,
    }),
  });
  const codes = new Float32Array(count * size);
  for (let first = 0; first < count; first += TILE_ROWS) {
    const tile = Array.from({ length: Math.min(TILE_ROWS, count - first) }, (_, i) => first + i);
    const rows = padRows(centred(space.gather(train, tile)), length, TILE_ROWS);
    const found = (await program.run({ rows, directions }))["codes"] as Float32Array;
    codes.set(found.subarray(0, tile.length * size), first * size);
  }
  await program.dispose();

  let longest = 0;
  for (let i = 0; i < count; i++) {
    longest = Math.max(longest, Math.hypot(...codes.subarray(i * size, (i + 1) * size)));
  }
  return longest > 0 ? codes.map((value) => value / longest) : codes;
}
