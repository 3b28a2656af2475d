import { mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Manifest, manifestVersion, serialiseManifest } from "../shared/manifest.ts";
import { sampleLatents } from "../shared/random.ts";
import { sha256Hex } from "../shared/sha256.ts";
import { readGenerator } from "../trainer/bundle-generator.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { InputError } from "../trainer/input-error.ts";
import { PLANE, writeSmallBundle } from "./small-bundle.ts";

const root = mkdtempSync(join(tmpdir(), "imle-bundle-"));
const { engine } = await createEngine("cpu");
afterAll(async () => {
  rmSync(root, { recursive: true });
  await engine.dispose();
});

const folder = join(root, "plane");
let manifest: Manifest;
let originals: Map<string, Uint8Array>;

beforeAll(async () => {
  manifest = await writeSmallBundle(folder, { name: "plane", output: PLANE });
  const paths = ["manifest.json", ...manifest.files.map(({ path }) => path)];
  originals = new Map(paths.map((path) => [path, new Uint8Array(readFileSync(join(folder, path)))]));
});

beforeEach(() => {
  for (const [path, bytes] of originals) writeFileSync(join(folder, path), bytes);
});

/** Opening must fail with one line that names the file and matches. */
async function refuses(directory: string, file: string, message: RegExp): Promise<void> {
  const error = await openBundle(directory)
    .then(readGenerator)
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(file);
  expect((error as Error).message).not.toContain("\n");
}

/** Replaces model.json and lets the manifest vouch for it, as a hostile exporter would. */
async function forgeModel(model: object): Promise<void> {
  const bytes = new TextEncoder().encode(JSON.stringify(model));
  const forged = { path: "model.json", bytes: bytes.length, sha256: await sha256Hex(bytes) };
  const files = manifest.files.map((file) => (file.path === "model.json" ? forged : file));
  const unnamed = { ...manifest, files };
  const named = { ...unnamed, version: await manifestVersion(unnamed) };
  writeFileSync(join(folder, "model.json"), bytes);
  writeFileSync(join(folder, "manifest.json"), serialiseManifest(named));
}

function layersModel(): { weightsManifest: { paths: string[]; weights: Record<string, unknown>[] }[] } {
  return JSON.parse(new TextDecoder().decode(originals.get("model.json")));
}

describe("a bundle", () => {
  test("as it was exported opens and reads back", async () => {
    const bundle = await openBundle(folder);
    expect(bundle.manifest).toEqual(manifest);
    for (const [path, bytes] of originals) {
      if (path !== "manifest.json") expect(await bundle.read(path)).toEqual(bytes);
    }
  });

  test("with any byte of any file flipped is refused, and the file named", async () => {
    const anyByte = fc.constantFrom(...originals.keys()).chain((path) =>
      fc.record({
        path: fc.constant(path),
        at: fc.nat(originals.get(path)!.length - 1),
        flip: fc.integer({ min: 1, max: 255 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(anyByte, async ({ path, at, flip }) => {
        const bytes = originals.get(path)!.slice();
        bytes[at]! ^= flip;
        writeFileSync(join(folder, path), bytes);
        try {
          await refuses(folder, path, /altered|not JSON|format version|Export the model again/);
        } finally {
          writeFileSync(join(folder, path), originals.get(path)!);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("with any file missing or cut is refused, and the file named", async () => {
    for (const [path, bytes] of originals) {
      unlinkSync(join(folder, path));
      await refuses(folder, path, /missing/);
      writeFileSync(join(folder, path), bytes);
      truncateSync(join(folder, path), bytes.length - 1);
      await refuses(
        folder,
        path,
        path === "manifest.json" ? /altered/ : /has \d+ bytes, the manifest says \d+/,
      );
      writeFileSync(join(folder, path), bytes);
    }
  });

  test("that isn't one is refused: no folder, an empty one, a file", async () => {
    await refuses(join(root, "nowhere"), "nowhere/manifest.json", /missing; is this an exported bundle\?/);
    await refuses(root, "manifest.json", /missing/);
    await refuses(join(folder, "model.json"), "model.json/manifest.json", /missing/);
  });

  test("altered after it was opened is refused when the file is read", async () => {
    const bundle = await openBundle(folder);
    writeFileSync(join(folder, "model.json"), "{}");
    await expect(bundle.read("model.json")).rejects.toThrow(/model\.json: has 2 bytes/);
    await expect(bundle.read("../secret")).rejects.toThrow(InputError);
  });
});

describe("a bundle's generator", () => {
  test("is its layers on the edge's latents", async () => {
    const frozen = await readGenerator(await openBundle(folder));
    const sampler = await createSeededSampler(engine, frozen);
    const samples = await sampler.sample(7, 3, 4);
    expect(samples.length).toBe(4 * 2);

    // Dense 33 leaky-relu, 20 tanh, 2 linear, as small-bundle.ts has it.
    let rows = Array.from({ length: 4 }, (_, i) => [...sampleLatents(7, 3 + i, 1, 5)]);
    manifest.generator.layers.forEach((spec, layer) => {
      if (spec.kind !== "dense") throw new Error(`${spec.kind} isn't expected here`);
      const { units, activation } = spec;
      const kernel = frozen.weights[`dense${layer}/kernel`]!;
      const bias = frozen.weights[`dense${layer}/bias`]!;
      rows = rows.map((row) =>
        Array.from({ length: units }, (_, unit) => {
          const sum = row.reduce((total, x, j) => total + x * kernel[j * units + unit]!, bias[unit]!);
          if (activation === "leaky-relu") return sum > 0 ? sum : 0.2 * sum;
          return activation === "tanh" ? Math.tanh(sum) : sum;
        }),
      );
    });
    rows.flat().forEach((value, i) => {
      expect(samples[i]).toBeCloseTo(value, 4);
    });
  });

  test("gives sample i whatever else is asked for", async () => {
    const sampler = await createSeededSampler(engine, await readGenerator(await openBundle(folder)));
    const many = await sampler.sample(7, 0, 2500);
    const few = await sampler.sample(7, 2400, 3);
    few.forEach((value, i) => {
      expect(value).toBeCloseTo(many[2400 * 2 + i]!, 5);
    });
    await sampler.dispose();
  });

  test("is refused where model.json isn't what the manifest describes, though its hash is right", async () => {
    await forgeModel({ format: "layers-model" });
    await refuses(folder, "plane/model.json", /not a TF\.js LayersModel/);

    const quantised = layersModel();
    quantised.weightsManifest[0]!.weights[0]!["dtype"] = "uint8";
    await forgeModel(quantised);
    await refuses(folder, "plane/model.json", /float32/);

    const renamed = layersModel();
    renamed.weightsManifest[0]!.weights[0]!["name"] = "other";
    await forgeModel(renamed);
    await refuses(folder, "plane/model.json", /"dense0\/kernel" has 0 numbers, the manifest says 165/);

    const swollen = layersModel();
    swollen.weightsManifest[0]!.weights[0]!["shape"] = [1e6, 1e6];
    await forgeModel(swollen);
    await refuses(folder, "plane/model.json", /weight files hold \d+ bytes, its shapes say \d+/);

    const elsewhere = layersModel();
    elsewhere.weightsManifest[0]!.paths = ["../../etc/passwd"];
    await forgeModel(elsewhere);
    await refuses(folder, "plane/../../etc/passwd", /not listed/);
  });
});
