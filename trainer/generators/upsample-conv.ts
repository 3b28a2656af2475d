import type { LayerSpec } from "../../shared/manifest.ts";
import { type Architecture, generatorOf } from "./generator.ts";
import { coarseImage } from "./image-pyramid.ts";

/**
 * Dense layers to a coarse image, then nearest-neighbour upsampling, each followed by a 3×3 convolution: no
 * checkerboards, for more arithmetic than transposed convolutions.
 *
 * Source: Odena, Dumoulin, Olah 2016, "Deconvolution and Checkerboard Artifacts", doi:10.23915/distill.00003.
 */
export const upsampleConv: Architecture = (request) => {
  const { latentSize, channels, activation, normalisation, outputShape, outputActivation } = request;
  const filters = [...channels.slice(1), outputShape[2]!];
  const layers: LayerSpec[] = [
    ...coarseImage("upsample-conv", request),
    ...filters.flatMap((count, i) => [
      { kind: "upsample" as const, factor: 2 },
      {
        kind: "conv" as const,
        filters: count,
        kernelSize: 3,
        activation: i === filters.length - 1 ? outputActivation : activation,
      },
    ]),
  ];
  return generatorOf(latentSize, layers, normalisation);
};
