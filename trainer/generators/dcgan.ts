import type { LayerSpec } from "../../shared/manifest.ts";
import { type Architecture, generatorOf } from "./generator.ts";
import { coarseImage } from "./image-pyramid.ts";

/**
 * Dense layers to a coarse image, then transposed convolutions that double it.
 *
 * Source: Radford, Metz, Chintala 2016, "Unsupervised Representation Learning with Deep Convolutional
 * Generative Adversarial Networks", arXiv:1511.06434.
 */
export const dcgan: Architecture = (request) => {
  const { latentSize, channels, activation, normalisation, outputShape, outputActivation } = request;
  const filters = [...channels.slice(1), outputShape[2]!];
  const layers: LayerSpec[] = [
    ...coarseImage("dcgan", request),
    ...filters.map((count, i) => ({
      kind: "conv-transpose" as const,
      filters: count,
      kernelSize: 4,
      stride: 2,
      activation: i === filters.length - 1 ? outputActivation : activation,
    })),
  ];
  return generatorOf(latentSize, layers, normalisation);
};
