/** What the convolutional architectures share: dense layers up to a coarse image, which doubles size by size. */

import type { LayerSpec } from "../../shared/manifest.ts";
import { InputError } from "../input-error.ts";
import type { GeneratorRequest } from "./generator.ts";

/**
 * Layers from the latent to the coarsest image, of `channels[0]` channels.
 *
 * @throws InputError if the output is no image, or can't be halved `channels.length` times
 */
export function coarseImage(kind: string, request: GeneratorRequest): LayerSpec[] {
  const { hidden, channels, activation, outputShape } = request;
  const [height, width] = outputShape;
  if (outputShape.length !== 3) {
    throw new InputError(
      `config: generator.kind "${kind}" makes images, the data has rows of ${outputShape[0]} numbers. ` +
        "Say --set generator.kind=mlp.",
    );
  }
  const scale = 2 ** channels.length;
  if (height! % scale !== 0 || width! % scale !== 0) {
    throw new InputError(
      `config: generator.channels: ${channels.length} sizes need sides that divide by ${scale}, ` +
        `the images are ${height}×${width}. Give ${sizesOf(height!, width!)}.`,
    );
  }
  const shape: [number, number, number] = [height! / scale, width! / scale, channels[0]!];
  return [
    ...[...hidden, shape[0] * shape[1] * shape[2]].map((units) => ({
      kind: "dense" as const,
      units,
      activation,
    })),
    { kind: "reshape", shape },
  ];
}

/** How many sizes such images allow, in words. */
function sizesOf(height: number, width: number): string {
  let most = 0;
  while (height % 2 ** (most + 1) === 0 && width % 2 ** (most + 1) === 0) most++;
  if (most === 0) return "images of even sides, or --set generator.kind=mlp";
  return most === 1 ? "1 number" : `1 to ${most} numbers`;
}
