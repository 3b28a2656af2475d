/** A Worker in the real workerd under load, while its model is replaced, its storage fails, and it is killed itself. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadWithFaults } from "../bench/load-with-faults.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

test("every answer is right by its bytes, or says to come back, and all is well again by itself", async () => {
  const folder = await mkdtemp(join(tmpdir(), "imle-edge-"));
  const bundles = { old: join(folder, "old"), new: join(folder, "new"), other: join(folder, "other") };
  await writeSmallBundle(bundles.old, { name: "grey", output: GREY });
  await writeSmallBundle(bundles.new, { name: "grey", output: GREY, seed: 9 });
  await writeSmallBundle(bundles.other, { name: "other", output: GREY, seed: 3 });
  const load = { bundles, otherName: "other", requestsPerPhase: 200, concurrency: 64, report: () => {} };
  expect(await loadWithFaults(load)).toEqual({
    calm: [],
    "while a new version comes": [],
    "with the new version": [],
    "with the storage killed": [],
    "with a storage that answers wrongly": [],
    "with the storage back": [],
    "while the Worker is killed and starts again": [],
  });
  await rm(folder, { recursive: true, force: true });
});
