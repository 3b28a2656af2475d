/** Everything that reads what others may have written: files that it takes, and how to give it one. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { setBackend } from "@tensorflow/tfjs-core";
import { gzipSync, strToU8, zipSync } from "fflate";
import sharp from "sharp";
import { pack } from "tar-stream";
import { apiKeys } from "../../edge/api-keys.ts";
import { exampleOfJpeg, exampleOfNpy, exampleOfPng } from "../../edge/example-body.ts";
import { loadWasmGenerator } from "../../edge/generator-wasm.ts";
import { createJpegDecoder } from "../../edge/jpeg-image.ts";
import type { Model } from "../../edge/model.ts";
import { Problem } from "../../edge/problem.ts";
import {
  BundleError,
  type Manifest,
  manifestVersion,
  parseManifest,
  serialiseManifest,
} from "../../shared/manifest.ts";
import { encodeNpy } from "../../shared/npy.ts";
import { encodePng } from "../../shared/png.ts";
import { resolveConfig } from "../../trainer/config.ts";
import { loadDataset } from "../../trainer/data/index.ts";
import { kernelModule } from "../../trainer/engine/kernels.ts";
import { readFeatureModel } from "../../trainer/features/feature-model.ts";
import { InputError } from "../../trainer/input-error.ts";
import { readCheckpoint, writeCheckpoint } from "../../trainer/run/checkpoint.ts";
import { createRunFolder, resumeRunFolder } from "../../trainer/run/run-folder.ts";
import { unlockRun } from "../../trainer/run/run-lock.ts";
import { compiled } from "../node-app.ts";
import { GREY, PLANE, writeSmallBundle } from "../small-bundle.ts";

export interface Target {
  readonly name: string;
  /** What it reads, whole; the faults are put into these. */
  readonly seeds: readonly Uint8Array[];
  /** Reads it. */
  parse(bytes: Uint8Array<ArrayBuffer>): unknown;
  /** The errors that it may throw, whose messages people read. */
  readonly refusal: abstract new (
    ...args: never[]
  ) => Error;
  /** One case of this target takes so many times the time of the fastest. */
  readonly cost: number;
}

/** @param folder to write into; the targets live as long as it does */
export async function fuzzTargets(folder: string): Promise<readonly Target[]> {
  return [
    ...(await dataTargets(folder)),
    ...(await modelTargets(folder)),
    ...(await runTargets(folder)),
    ...bodyTargets(),
    {
      name: "api-keys",
      seeds: [strToU8("alice=0123456789abcdef, bob=fedcba9876543210")],
      parse: (bytes) => apiKeys(textOf(bytes)),
      refusal: Error,
      cost: 1,
    },
  ];
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function dataTargets(folder: string): Promise<Target[]> {
  const idx = (magic: number, sizes: readonly number[], values: Uint8Array) => {
    const header = Buffer.alloc(4 + 4 * sizes.length);
    header.writeUInt32BE(magic);
    for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
    return Uint8Array.from(Buffer.concat([header, values]));
  };
  const pixels = Uint8Array.from({ length: 24 * 6 }, (_, i) => (i * 7) % 256);
  const images = idx(0x803, [24, 2, 3], pixels);
  const npy = encodeNpy({ shape: [24, 6], values: Float32Array.from(pixels) });
  const labels = encodeNpy({ shape: [24], values: Int32Array.from({ length: 24 }, (_, i) => i % 3) });
  const [png, jpeg, webp] = await pictures();
  const tar = await tarOf({
    "train/a/1.png": png,
    "train/b/2.png": png,
    "train/b/3.jpg": jpeg,
    "4.txt": png,
  });
  const files: Record<string, { file: string; seeds: readonly Uint8Array[]; cost: number }> = {
    idx: { file: "train-images-idx3-ubyte", seeds: [images, gzipSync(images)], cost: 8 },
    cifar10: { file: "data_batch_1.bin", seeds: [new Uint8Array(3073 * 7).fill(3)], cost: 10 },
    npy: { file: "x.npy", seeds: [npy, labels], cost: 4 },
    npz: {
      file: "x.npz",
      seeds: [zipSync({ "x.npy": npy, "y.npy": labels }), zipSync({ "x.npy": npy }, { level: 0 })],
      cost: 6,
    },
    csv: {
      file: "x.csv",
      seeds: [strToU8("a,b\n1,2\n3,4e2\n-5,.6\n7,8\n"), strToU8("1;2;3\r\n4;5;6\r\n7;8;9\r\n")],
      cost: 8,
    },
    pictures: { file: "1.png", seeds: [png, jpeg, webp], cost: 40 },
    tar: { file: "x.tar", seeds: [tar, gzipSync(tar)], cost: 40 },
  };
  return Object.entries(files).map(([name, { file, seeds, cost }]) => {
    const place = join(folder, name);
    const cacheFolder = join(folder, `${name}-cache`);
    mkdirSync(place);
    return {
      name,
      seeds,
      cost,
      refusal: InputError,
      async parse(bytes) {
        writeFileSync(join(place, file), bytes);
        if (name === "pictures") for (const each of ["2.png", "3.png"]) writeFileSync(join(place, each), png);
        await loadDataset({ path: place, seed: 1, cacheFolder });
        rmSync(cacheFolder, { recursive: true, force: true });
      },
    };
  });
}

/** A PNG, a JPEG and a WebP file. */
async function pictures(): Promise<readonly [Uint8Array, Uint8Array, Uint8Array]> {
  const raw = { width: 6, height: 5, channels: 3 } as const;
  const image = () =>
    sharp(
      Uint8Array.from({ length: 90 }, (_, i) => (i * 37) % 256),
      { raw },
    );
  return [
    new Uint8Array(await image().png().toBuffer()),
    new Uint8Array(await image().jpeg().toBuffer()),
    new Uint8Array(await image().webp().toBuffer()),
  ];
}

async function tarOf(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const archive = pack();
  for (const [name, bytes] of Object.entries(files)) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of archive) chunks.push(chunk as Uint8Array);
  return Uint8Array.from(Buffer.concat(chunks));
}

async function modelTargets(folder: string): Promise<Target[]> {
  await setBackend("cpu"); // compiled() brought another along, which isn't ready
  const bundle = join(folder, "plane");
  await writeSmallBundle(bundle, { name: "plane", output: PLANE, latentSize: 5, weights: "int8" });
  const read = (file: string) => new Uint8Array(readFileSync(join(bundle, file)));
  const module = kernelModule("generator");
  const parse = (text: string) => parseManifest(text, "plane/manifest.json");
  const features = (file: string): Target => ({
    name: `features of ${file}`,
    seeds: [read(file)],
    refusal: InputError,
    cost: 10,
    parse: (bytes) => {
      const path = join(bundle, `altered-${file}`);
      writeFileSync(path, bytes);
      return readFeatureModel(path, [5]);
    },
  });
  return [
    {
      name: "manifest",
      seeds: [read("manifest.json")],
      refusal: BundleError,
      cost: 2,
      parse: (bytes) => parse(textOf(bytes)),
    },
    {
      // As if whoever wrote it had also given it the hash that fits.
      name: "signed manifest",
      seeds: [read("manifest.json")],
      refusal: BundleError,
      cost: 4,
      async parse(bytes) {
        let altered: Manifest;
        try {
          altered = JSON.parse(textOf(bytes));
        } catch {
          return;
        }
        if (typeof altered !== "object" || altered === null || Array.isArray(altered)) return;
        const version = await manifestVersion(altered);
        const manifest = await parse(serialiseManifest({ ...altered, version }));
        await loadWasmGenerator(module, manifest, async (path) => {
          const entry = manifest.files.find((file) => file.path === path);
          if (!entry) throw new BundleError(`${path}: not listed`);
          // The file that was exported, as long as the manifest says.
          const whole = new Uint8Array(entry.bytes);
          whole.set(read("generator.0.bin").subarray(0, entry.bytes));
          return whole;
        });
      },
    },
    features("model.onnx"),
    features("model.json"),
  ];
}

async function runTargets(folder: string): Promise<Target[]> {
  const file = join(folder, "x.ckpt");
  const weights = { "dense0/kernel": Float32Array.of(1, 2, 3), "dense0/bias": Float32Array.of(4) };
  const state = { weights, average: weights, firstMoment: weights, secondMoment: weights, stepCount: 7 };
  await writeCheckpoint(file, {
    stepCount: 7,
    elapsedSeconds: 1.5,
    loss: 0.25,
    training: {
      parameters: { generator: state },
      counters: { round: 3 },
      arrays: { latents: Float32Array.of(0.5), examples: Int32Array.of(1) },
    },
  });
  const checkpoint = new Uint8Array(readFileSync(file));
  const signed = (bytes: Uint8Array) => {
    const body = bytes.subarray(0, Math.max(0, bytes.length - 32));
    return Buffer.concat([body, createHash("sha256").update(body).digest()]);
  };
  const readAltered = (bytes: Uint8Array) => {
    writeFileSync(file, bytes);
    return readCheckpoint(file);
  };

  const config = resolveConfig("ring");
  const run = (await createRunFolder(config, join(folder, "runs"))).path;
  unlockRun(run);
  const about = readFileSync(join(run, "run.json"));
  const signedRun = (text: string) => {
    const json = JSON.parse(text) as { config: unknown };
    const hash = createHash("sha256").update(JSON.stringify(json.config)).digest("hex");
    return JSON.stringify({ ...json, configSha256: hash });
  };
  const resume = async (text: string) => {
    writeFileSync(join(run, "run.json"), text);
    await resumeRunFolder(run);
    unlockRun(run);
  };
  return [
    { name: "checkpoint", seeds: [checkpoint], refusal: InputError, cost: 2, parse: readAltered },
    {
      name: "signed checkpoint",
      seeds: [checkpoint],
      refusal: InputError,
      cost: 2,
      parse: (bytes) => readAltered(signed(bytes)),
    },
    {
      name: "run.json",
      seeds: [about],
      refusal: InputError,
      cost: 6,
      parse: (bytes) => resume(textOf(bytes)),
    },
    {
      name: "signed run.json",
      seeds: [about],
      refusal: InputError,
      cost: 6,
      parse(bytes) {
        let text: string;
        try {
          text = signedRun(textOf(bytes));
        } catch {
          return;
        }
        return resume(text);
      },
    },
    {
      name: "--set",
      seeds: [
        "objective.poolSize=5000",
        "generator.hidden=[64,64]",
        "objective.distance=l2+0.5*features",
        "data.path=x",
        "optimiser.beta1=0.5",
        "optimiser.learningRate=0.01",
      ].map((text) => strToU8(text)),
      refusal: InputError,
      cost: 1,
      parse: (bytes) => resolveConfig("mnist", { set: [textOf(bytes)] }),
    },
  ];
}

function bodyTargets(): Target[] {
  const model = { manifest: { name: "grey", output: GREY } } as Model;
  const decodeJpeg = createJpegDecoder(compiled("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"));
  const data = Uint8Array.from({ length: 784 }, (_, i) => i % 256);
  const png = encodePng({ height: 28, width: 28, channels: 1, data });
  const body = (
    name: string,
    seeds: readonly Uint8Array[],
    parse: Target["parse"],
    cost: number,
  ): Target => ({
    name: `/nearest ${name}`,
    seeds,
    parse,
    refusal: Problem,
    cost,
  });
  return [
    body("png", [png], (bytes) => exampleOfPng(model, bytes), 2),
    body("jpeg", [JPEG], (bytes) => exampleOfJpeg(model, bytes, decodeJpeg), 10),
    body("npy", [encodeNpy({ shape: [28, 28], values: data })], (bytes) => exampleOfNpy(model, bytes), 1),
  ];
}

const JPEG = new Uint8Array(
  await sharp(new Uint8Array(784).fill(99), { raw: { width: 28, height: 28, channels: 1 } })
    .jpeg()
    .toBuffer(),
);
