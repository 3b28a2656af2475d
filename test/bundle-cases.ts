/** Folders for bundles, what to write into one, and what a refusal must be. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import type { LayerSpec } from "../shared/manifest.ts";
import type { BundleContent } from "../trainer/export/bundle.ts";
import { InputError } from "../trainer/input-error.ts";
import { PLANE } from "./small-bundle.ts";

/** Removed after the file's tests. */
export const folder = mkdtempSync(join(tmpdir(), "imle-bundle-"));
let folders = 0;
export const newFolder = () => {
  const path = join(folder, `case-${folders++}`);
  mkdirSync(path);
  return path;
};

afterAll(() => rmSync(folder, { recursive: true }));

/** A bundle for the plane with a single layer; what a test is about is overridden. */
export function contentOf(overrides: Partial<BundleContent> = {}): BundleContent {
  const layers: LayerSpec[] = [{ kind: "dense", units: 2, activation: "linear" }];
  return {
    name: "tiny",
    latentSize: 2,
    layers,
    weights: { "dense0/kernel": Float32Array.of(1, 2, 3, 4), "dense0/bias": Float32Array.of(5, 6) },
    output: PLANE,
    labels: null,
    training: { objective: "imle", engine: "cpu", seed: 1, steps: 2, config: {} },
    dataset: { name: "none", trainCount: 3, heldOutCount: 0, testCount: 0 },
    metrics: {},
    train: null,
    calibration: null,
    siblings: null,
    index: null,
    preview: Uint8Array.of(1),
    report: "",
    ...overrides,
  };
}

export async function refusal(attempt: Promise<unknown>): Promise<Error> {
  const error = await attempt.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).not.toContain("\n");
  return error as Error;
}
