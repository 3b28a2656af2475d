/** What others published, with where it was read. */

import { type PaperRow, single } from "./experiment.ts";

const VEEGAN = "Srivastava et al. 2017, arXiv:1705.07761, table 1";
const PACGAN = "Lin et al. 2018, arXiv:1712.04086, tables 1 and 2";
const GAN = "Goodfellow et al. 2014, arXiv:1406.2661, table 1";

const parzen = (name: string, label: string, mean: number, spread: number, source: string): PaperRow => ({
  name,
  label: `${label}, published`,
  values: { "Parzen, nats": { mean, spread } },
  source,
});

export const PARZEN: readonly PaperRow[] = [
  parzen("published-dbn", "DBN", 138, 2, GAN),
  parzen("published-stacked-cae", "Stacked CAE", 121, 1.6, GAN),
  parzen("published-deep-gsn", "Deep GSN", 214, 1.1, GAN),
  parzen("published-gan", "GAN", 225, 2, GAN),
];

const modes = (name: string, label: string, covered: number, quality: number, source: string): PaperRow => ({
  name,
  label: `${label}, published`,
  values: { modes: single(covered), "within 3σ, %": single(quality) },
  source,
});

export const RING: readonly PaperRow[] = [
  modes("published-gan", "GAN", 6.3, 98.2, PACGAN),
  modes("published-ali", "ALI", 6.6, 97.6, PACGAN),
  modes("published-unrolled", "Unrolled GAN", 7.6, 35.6, VEEGAN),
  modes("published-veegan", "VEEGAN", 8, 52.9, VEEGAN),
  modes("published-pacgan", "PacGAN", 7.9, 97.7, PACGAN),
];

export const GRID: readonly PaperRow[] = [
  modes("published-gan", "GAN", 17.3, 94.8, PACGAN),
  modes("published-ali", "ALI", 24.1, 95.7, PACGAN),
  modes("published-unrolled", "Unrolled GAN", 23.6, 16, VEEGAN),
  modes("published-veegan", "VEEGAN", 24.6, 40, VEEGAN),
  modes("published-pacgan", "PacGAN", 24.8, 94.2, PACGAN),
];

const stacked = (name: string, label: string, found: number, kl: number, source: string): PaperRow => ({
  name,
  label: `${label}, published`,
  values: { modes: single(found), "KL, nats": single(kl) },
  source,
});

export const STACKED: readonly PaperRow[] = [
  stacked("published-dcgan", "DCGAN", 78.9, 4.5, PACGAN),
  stacked("published-unrolled", "Unrolled GAN", 48.7, 4.32, VEEGAN),
  stacked("published-veegan", "VEEGAN", 150, 2.95, VEEGAN),
  stacked("published-pacgan", "PacGAN", 1000, 0.06, PACGAN),
];
