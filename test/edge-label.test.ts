import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { sampleInputs } from "../shared/generator-inputs.ts";
import { readGenerator } from "../trainer/bundle-generator.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler, inputSpecOf } from "../trainer/generators/frozen.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

let folder: string;
let server: LocalServer;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-label-"));
  await writeSmallBundle(join(folder, "classes"), { name: "classes", output: GREY, conditional: true });
  server = await startServer({ bundles: [join(folder, "classes")] });
  ({ engine } = await createEngine("cpu"));
});
afterAll(async () => {
  await engine.dispose();
  await server.close();
  await rm(folder, { recursive: true });
});

interface Samples {
  readonly samples: readonly { readonly label: string; readonly pixels: readonly number[] }[];
}

async function draw(query: string): Promise<Samples["samples"]> {
  const response = await fetch(`${server.url}/sample?format=json&seed=7&${query}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as Samples).samples;
}

describe("a class-conditional model", () => {
  test("draws the class that is asked for, the same samples whatever n is", async () => {
    const ones = await draw("n=8&label=one");
    expect(new Set(ones.map(({ label }) => label))).toEqual(new Set(["one"]));
    expect(await draw("n=3&label=one")).toEqual(ones.slice(0, 3));
    const twos = await draw("n=8&label=two");
    expect(twos.map(({ pixels }) => pixels)).not.toEqual(ones.map(({ pixels }) => pixels));
  });

  test("without a label draws classes as the training data have them, and tells which", async () => {
    const labels = (await draw("n=64")).map(({ label }) => label);
    // Half are noughts: binomial, deviation 4.
    expect(Math.abs(labels.filter((label) => label === "nought").length - 32)).toBeLessThan(17);
    expect(new Set(labels).size).toBe(3);
    const all = await draw("n=6");
    for (const [i, { label, pixels }] of all.entries()) {
      expect((await draw(`n=6&label=${label}`))[i]!.pixels).toEqual(pixels);
    }
  });

  test("makes what the trainer's engine makes of the same inputs", async () => {
    const bundle = await openBundle(join(folder, "classes"));
    const generator = await readGenerator(bundle);
    expect(inputSpecOf(generator)).toEqual({ latentSize: 5, labelCounts: [2, 1, 1] });
    const sampler = await createSeededSampler(engine, generator);
    const expected = await sampler.sample(7, 0, 6);
    await sampler.dispose();
    (await draw("n=6")).forEach(({ pixels }, i) => {
      pixels.forEach((pixel, j) => {
        const value = Math.min(1, Math.max(0, expected[i * 784 + j]!));
        expect(Math.abs(pixel - 255 * value)).toBeLessThan(0.51);
      });
    });
    expect(sampleInputs(inputSpecOf(generator), { seed: 7, first: 0, count: 1 })).toHaveLength(8);
  });

  test("a sample of a class can be sent to the check by its seed", async () => {
    const post = async (body: unknown) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${server.url}/nearest`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return (await response.json()) as { distance: number };
    };
    const [, one] = await draw("n=2&label=one");
    const { distance } = await post({ pixels: one!.pixels });
    expect((await post({ seed: 7, index: 1, label: "one" })).distance).toBe(distance);
    expect((await post({ seed: 7, index: 1, label: "two" })).distance).not.toBe(distance);
  });

  test("a class that there isn't is refused with those that there are", async () => {
    const response = await fetch(`${server.url}/sample?label=nine`);
    expect(response.status).toBe(400);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    expect(code).toBe("bad-parameter");
    expect(detail).toBe('label: model "classes" has no class "nine"; there are nought, one, two');
  });
});
