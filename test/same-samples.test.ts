/**
 * One bundle, the same samples: from the Worker on our kernel and on TF.js, from Node, from plain TF.js, from ONNX
 * Runtime, from the trainer.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkBundles, writeAssets } from "../cli/assets.ts";
import { type LocalServer, startWorker } from "../cli/workerd.ts";
import { parseNpy } from "../shared/npy.ts";
import { sampleLatents } from "../shared/random.ts";
import { readGenerator } from "../trainer/bundle-generator.ts";
import { openBundle } from "../trainer/bundle-reader.ts";
import { ENGINES } from "../trainer/engine/index.ts";
import { createSeededSampler } from "../trainer/generators/frozen.ts";
import { bytesOf, type EdgeClient, startEdge } from "./edge-client.ts";
import { createNodeApp, type NodeApp } from "./node-app.ts";

const SEED = 2 ** 40 + 3;
const COUNT = 64;
const LATENT_SIZE = 5;
const MODELS = ["grey", "colour", "plane", "dcgan", "upsampled"];

let edge: EdgeClient;
let tfjsEdge: LocalServer;
let node: NodeApp;

beforeAll(async () => {
  edge = await startEdge();
  const folders = MODELS.map((name) => join(edge.folder, name));
  const bundles = await checkBundles(folders);
  tfjsEdge = await startWorker("bench/peers/tfjs-edge.ts", (assets) => writeAssets(assets, bundles), {});
  node = createNodeApp(Object.fromEntries(MODELS.map((name, i) => [name, folders[i]!])));
});
afterAll(() => Promise.all([edge?.close(), tfjsEdge?.close()]));

describe.each(MODELS)("%s", (name) => {
  const path = `/models/${name}/sample?n=${COUNT}&seed=${SEED}&format=npy`;
  const workerSamples = async () => parseNpy(await bytesOf(await edge.get(path))).values as Float32Array;

  test("Worker and Node on the same WebAssembly: equal to the bit", async () => {
    expect(await workerSamples()).toEqual(parseNpy(await bytesOf(await node.request(path))).values);
  });

  test("Worker and Node answer /nearest and draw pictures with the same bytes", async () => {
    const check = {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"seed": ${SEED}}`,
    };
    const asked = `/models/${name}/nearest?k=50`;
    expect(await (await edge.get(asked, check)).text()).toBe(await (await node.request(asked, check)).text());
    const picture = `/models/${name}/sample?n=10&seed=1&format=${name === "plane" ? "json" : "png"}`;
    expect(await bytesOf(await edge.get(picture))).toEqual(await bytesOf(await node.request(picture)));
  });

  test("Worker on our kernel and Worker on TF.js: within 1e-5", async () => {
    const onTfjs = parseNpy(await bytesOf(await fetch(tfjsEdge.url + path))).values as Float32Array;
    expectClose(await workerSamples(), onTfjs);
  });

  test("Worker and plain tf.loadLayersModel: within 1e-5", async () => {
    // As any TF.js project would load it: by its address, with the stock CPU backend.
    // TF.js has one backend at a time, and the Node app may have set it to another.
    const before = tf.getBackend();
    await tf.setBackend("cpu");
    const model = await loadLayersModel(`${edge.url}/models/${name}/model.json`, { fetchFunc: fetch });
    const latents = tf.tensor2d(sampleLatents(SEED, 0, COUNT, LATENT_SIZE), [COUNT, LATENT_SIZE]);
    const output = model.predict(latents) as tf.Tensor;
    const samples = output.dataSync<"float32">();
    if (before) await tf.setBackend(before);
    expectClose(await workerSamples(), samples);
  });

  test("Worker and ONNX Runtime: within 1e-5", async () => {
    const session = await ort.InferenceSession.create(
      new Uint8Array(await readFile(join(edge.folder, name, "model.onnx"))),
    );
    const latents = sampleLatents(SEED, 0, COUNT, LATENT_SIZE);
    const feeds = { [session.inputNames[0]!]: new ort.Tensor("float32", latents, [COUNT, LATENT_SIZE]) };
    const outputs = await session.run(feeds);
    expectClose(await workerSamples(), outputs[session.outputNames[0]!]!.data as Float32Array);
  });

  test("Worker and the trainer's engines: within 1e-5", async () => {
    const generator = await readGenerator(await openBundle(join(edge.folder, name)));
    for (const { probe, create } of Object.values(ENGINES)) {
      if (!(await probe()).works) continue;
      const engine = await create();
      const sampler = await createSeededSampler(engine, generator);
      expectClose(await workerSamples(), await sampler.sample(SEED, 0, COUNT));
      await engine.dispose();
    }
  });
});

function expectClose(actual: Float32Array, expected: Float32Array): void {
  expect(actual.length).toBe(expected.length);
  const farthest = actual.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i]!)), 0);
  expect(farthest).toBeLessThan(1e-5);
  expect(new Set(actual).size).toBeGreaterThan(100); // not a constant picture
}
