import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { resolveConfig } from "../trainer/config.ts";
import { removeLeftovers } from "../trainer/leftovers.ts";
import { createRunFolder } from "../trainer/run/run-folder.ts";
import { writeSmallBundle } from "./small-bundle.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "imle-leftovers-"));
});
afterEach(() => rmSync(parent, { recursive: true }));

/** A folder with a file in it, last written so many minutes ago. */
function leave(name: string, minutes: number): void {
  mkdirSync(join(parent, name));
  writeFileSync(join(parent, name, "weights.bin"), "half");
  const then = Date.now() / 1000 - 60 * minutes;
  utimesSync(join(parent, name), then, then);
}

test("what a killed process left goes after an hour, and nothing else", async () => {
  leave(".tiny-aB3xYz", 61);
  leave(".tiny-aB3xYz.old", 61);
  const kept = {
    ".tiny-young1": 59, // somebody may be writing it
    ".tiny-er-aB3xYz": 61, // another model's
    ".tiny-notes": 61, // not what mkdtemp makes
    tiny: 61,
  };
  for (const [name, minutes] of Object.entries(kept)) leave(name, minutes);
  writeFileSync(join(parent, ".tiny-file00"), "no folder");
  utimesSync(join(parent, ".tiny-file00"), 0, 0);
  await removeLeftovers(parent, ".tiny-");
  expect(readdirSync(parent).sort()).toEqual([".tiny-file00", ...Object.keys(kept)].sort());
});

test("an export removes what an earlier one left", async () => {
  leave(".tiny-aB3xYz", 61);
  await writeSmallBundle(join(parent, "tiny"), {
    name: "tiny",
    output: { kind: "vector", shape: [2], range: null },
  });
  expect(readdirSync(parent)).toEqual(["tiny"]);
});

test("a training removes what an earlier one left", async () => {
  leave(".new-aB3xYz", 61);
  const folder = await createRunFolder(resolveConfig("ring"), parent);
  folder.close();
  expect(readdirSync(parent).filter((name) => name.startsWith("."))).toEqual([]);
});
