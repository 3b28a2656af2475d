/**
 * Where samples come from: the server at first, as one small picture, and this browser once it has the generator. Both
 * draw the same pixels, on a GPU within rounding.
 */

import type { Image as Picture } from "../../shared/image-grid.ts";
import type { Manifest } from "../../shared/manifest.ts";
import type { GeneratedImage } from "../embed/images.ts";
import type { Sample as EmbedSample, LoadedGenerator } from "../embed/load-generator.ts";
import { cutGrid } from "./cut-grid.ts";
import type { Service } from "./service.ts";

export type { Picture };

/** An image, or the numbers of a vector. */
export type Sample =
  | { readonly picture: Picture; readonly label: string | null }
  | { readonly vector: readonly number[] };

export interface Drawing {
  readonly seed: number;
  readonly temperature: number;
  readonly label: string | undefined;
}

/** Samples of a seed: as many as one request draws. */
export const BATCH = 64;

/** Pictures on a walk, both ends among them. */
export const STEPS = 65;

export interface Source {
  /** In words. */
  readonly who: "the server" | "this browser" | "this browser’s GPU";
  /** Samples 0 … BATCH − 1. */
  sample(drawing: Drawing, signal: AbortSignal): Promise<Sample[]>;
  /** STEPS samples; null: it draws no walks. */
  readonly walk:
    | ((from: number, to: number, drawing: Omit<Drawing, "seed">, signal: AbortSignal) => Promise<Sample[]>)
    | null;
}

export function serverSource(service: Service): Source {
  const { output } = service.manifest;
  return {
    who: "the server",
    walk: null,
    async sample(drawing, signal) {
      const format = output.kind === "image" ? "png" : "json";
      const response = await service.get(`sample?${sampleQuery(drawing)}&format=${format}`, signal);
      if (output.kind === "vector") {
        const { samples } = await response.json();
        return samples.map(({ vector }: { vector: number[] }) => ({ vector }));
      }
      const pictures = await cutGrid(await response.blob(), BATCH, output.shape);
      return pictures.map((picture) => ({ picture, label: drawing.label ?? null }));
    },
  };
}

/** What /sample is asked for a drawing. */
function sampleQuery({ seed, temperature, label }: Drawing): string {
  const query = new URLSearchParams({ n: String(BATCH), seed: String(seed) });
  if (temperature !== 1) query.set("temperature", String(temperature));
  if (label !== undefined) query.set("label", label);
  return String(query);
}

/** Loaded when the page has something to show: a literal would be bundled. */
const EMBED: string = "/embed.js";

/** @throws EmbedError, whose message says why this browser can't draw */
export async function browserSource({ url }: Service): Promise<Source> {
  const { loadGenerator } = (await import(EMBED)) as typeof import("../embed/embed.ts");
  const generator: LoadedGenerator<EmbedSample> = await loadGenerator<EmbedSample>(`${url}/`);
  return {
    get who() {
      return generator.engine === "webgpu" ? "this browser’s GPU" : "this browser";
    },
    async sample(drawing, signal) {
      return (await generator.sample({ n: BATCH, ...drawing, signal })).map(asSample);
    },
    async walk(from, to, { temperature, label }, signal) {
      const ends = [from, to].map((seed) => ({ seed, label }));
      return (await generator.interpolate(ends[0]!, ends[1]!, STEPS, { temperature, signal })).map(asSample);
    },
  };
}

function asSample(drawn: EmbedSample): Sample {
  return drawn instanceof Float32Array
    ? { vector: Array.from(drawn) }
    : { picture: pictureOf(drawn), label: drawn.label };
}

function pictureOf({ width, height, channels, pixels }: GeneratedImage): Picture {
  return { width, height, channels, data: pixels };
}

/** Classes that one may ask for; none of models that take none. */
export function askableLabels({ conditional, labels, latent }: Manifest): readonly string[] {
  return conditional ? labels!.filter((_, i) => latent.labelCounts![i]! > 0) : [];
}
