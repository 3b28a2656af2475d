/**
 * Mode coverage of synthetic mixtures: how many of the known modes the samples reach, and how many samples lie
 * close to one.
 *
 * Source: the protocol of VEEGAN (Srivastava et al. 2017, arXiv:1705.07761) and PacGAN (Lin et al. 2018,
 * arXiv:1712.04086).
 */

import type { Modes } from "../data/dataset.ts";
import type { Metric } from "./metric.ts";

/** As published. */
const SAMPLE_COUNT = 2500;
/** A sample is of high quality within this many standard deviations of the nearest mode. */
const HIGH_QUALITY_SIGMAS = 3;

export interface ModeCoverage {
  /** Modes that a high-quality sample is nearest to. */
  readonly modesCovered: number;
  readonly modeCount: number;
  /** Share of samples that are of high quality. */
  readonly highQualityShare: number;
}

export const modes: Metric = {
  name: "modes",
  figures: {
    modesCovered: "modes covered",
    modeCount: "modes in the data",
    highQualityShare: "samples within 3σ of a mode, share",
  },
  ceiling: "train",
  obstacle: ({ dataset }) => (dataset.modes ? null : `the modes of "${dataset.name}" are not known`),
  async evaluate({ dataset, samples, length }) {
    return { ...measureModes(samples.subarray(0, SAMPLE_COUNT * length), dataset.modes!, length) };
  },
};

/** @param samples [n, length]; n ≥ 1 */
export function measureModes(samples: Float32Array, { centres, sigma }: Modes, length: number): ModeCoverage {
  const modeCount = centres.length / length;
  const reach = (HIGH_QUALITY_SIGMAS * sigma) ** 2;
  const covered = new Set<number>();
  let highQuality = 0;
  for (let start = 0; start < samples.length; start += length) {
    const { mode, squared } = nearestMode(samples, start, centres, length);
    if (squared > reach) continue;
    covered.add(mode);
    highQuality++;
  }
  return {
    modesCovered: covered.size,
    modeCount,
    highQualityShare: (highQuality * length) / samples.length,
  };
}

function nearestMode(samples: Float32Array, start: number, centres: Float32Array, length: number) {
  let nearest = { mode: -1, squared: Number.POSITIVE_INFINITY };
  for (let mode = 0; mode * length < centres.length; mode++) {
    let squared = 0;
    for (let j = 0; j < length; j++) squared += (samples[start + j]! - centres[mode * length + j]!) ** 2;
    if (squared < nearest.squared) nearest = { mode, squared };
  }
  return nearest;
}
