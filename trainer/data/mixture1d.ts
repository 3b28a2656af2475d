import { gaussianMixture } from "./gaussian-mixture.ts";

/** `mixture1d`: N(0, 1) and N(16, 1) on the line, half and half. */
export const mixture1d = gaussianMixture("mixture1d", [[0], [16]], 1);
