/**
 * Whatever a file holds, it is read or refused in one line; nothing crashes, hangs or takes memory that it doesn't need.
 * FUZZ_CASES says how many files are made up, of all kinds together; `npm run test:fuzz` makes 1,000,000. One that got
 * through is kept in test/fixtures/crashers, and tried first ever after.
 */

import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { nearly } from "./fuzz/mutations.ts";
import { fuzzTargets, type Target } from "./fuzz/targets.ts";

const CASES = Number(process.env["FUZZ_CASES"] ?? 12_000);
/** The same files at every change; others in a full run, which tells its seed where it fails. */
const SEED = Number(process.env["FUZZ_SEED"] ?? (process.env["FUZZ_CASES"] ? Date.now() : 1));
const CRASHERS = join(import.meta.dirname, "fixtures", "crashers");
/** Of one file; far more than any takes. */
const HANG_MS = 10_000;
/** Files are of some kilobytes at most; decoders and the garbage of earlier ones take some memory too. */
const MOST_GROWTH = 200 * 2 ** 20;

const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "imle-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const targets = await fuzzTargets(folder);
/** The cheaper, the more. */
const share = 1 / targets.reduce((sum, { cost }) => sum + 1 / cost, 0);

describe.each(targets.map((target) => [target.name, target] as const))("%s", (name, target) => {
  const kept = join(CRASHERS, name.replaceAll(/\W+/g, "-"));

  test("what it reads is read", async () => {
    for (const seed of target.seeds) await target.parse(Uint8Array.from(seed));
  });

  if (existsSync(kept)) {
    test("files that once got through are read or refused", async () => {
      for (const file of readdirSync(kept)) {
        await readOrRefuse(target, new Uint8Array(readFileSync(join(kept, file))));
      }
    });
  }

  const numRuns = Math.max(1, Math.round((CASES * share) / target.cost));
  test("files with faults are read or refused", { timeout: 60_000 + numRuns * 20 }, async () => {
    const property = fc.asyncProperty(nearly(target.seeds), async (bytes) => {
      try {
        await readOrRefuse(target, bytes);
      } catch (error) {
        keep(kept, bytes);
        throw error;
      }
    });
    await fc.assert(property, { numRuns, seed: SEED });
  });
});

async function readOrRefuse({ parse, refusal }: Target, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const before = process.memoryUsage.rss();
  const start = performance.now();
  try {
    await parse(bytes);
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
    expect(error.message).toMatch(/^[^\n]{1,2000}$/);
  }
  expect(performance.now() - start).toBeLessThan(HANG_MS);
  expect(process.memoryUsage.rss() - before).toBeLessThan(MOST_GROWTH);
}

/** The smallest that fast-check comes to is the last one kept. */
function keep(place: string, bytes: Uint8Array): void {
  mkdirSync(place, { recursive: true });
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  writeFileSync(join(place, hash), bytes);
}
