import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inProcess } from "../bench/in-process.ts";
import { over } from "../bench/paper/experiment.ts";
import { EXPERIMENTS, runExperiment } from "../bench/paper/index.ts";
import { inexactSearcher } from "../bench/paper/inexact-search.ts";
import { markdownTable } from "../bench/paper/table.ts";
import { keptUnit } from "../bench/paper/units.ts";
import { createRandom } from "../shared/random.ts";
import { l2Of } from "../trainer/distances/squared-l2.ts";
import type { Engine } from "../trainer/engine/engine.ts";
import { createEngine } from "../trainer/engine/index.ts";
import { pointsInMemory } from "../trainer/search/searcher.ts";

const folder = mkdtempSync(join(tmpdir(), "imle-paper-"));
let engine: Engine;
beforeAll(async () => {
  ({ engine } = await createEngine("cpu"));
});
afterAll(async () => {
  await engine.dispose();
  rmSync(folder, { recursive: true });
});

describe.each(EXPERIMENTS.map((each) => [each.id, each] as const))(
  "experiment %s, tiny",
  (id, experiment) => {
    const places = { results: join(folder, "results"), kept: join(folder, "kept") };
    const options = { quick: true, mnist: null, cifar10: null };

    test("writes its rows, its table and its drawings, and does nothing twice", {
      timeout: 180_000,
    }, async () => {
      const rows = await runExperiment(experiment, options, () => {}, places);
      expect(rows.length).toBeGreaterThan(0);
      const names = rows.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      for (const { name, value, spread } of rows) {
        expect(name.startsWith(`paper/${id}-${experiment.name}/`)).toBe(true);
        expect(Number.isFinite(value) && Number.isFinite(spread), `${name}: ${value} ± ${spread}`).toBe(true);
      }
      const written = join(places.results, `${id}-${experiment.name}`);
      const table = readFileSync(join(written, "table.md"), "utf8");
      expect(table).not.toContain("NaN");
      expect(readdirSync(written).some((name) => /\.(svg|png)$/.test(name))).toBe(true);
      for (const file of readdirSync(written).filter((name) => name.endsWith(".svg"))) {
        expect(readFileSync(join(written, file), "utf8")).toMatch(/^<svg.*<path/s);
      }
      const reports: string[] = [];
      expect(await runExperiment(experiment, options, (line) => reports.push(line), places)).toEqual(rows);
      // Only where the results are.
      expect(reports).toHaveLength(1);
      expect(existsSync(join(written, "rows.json"))).toBe(true);
    });
  },
);

test("a unit is computed once for the same settings, and again for others", async () => {
  let computed = 0;
  const compute = async () => ({ value: ++computed });
  const kept = join(folder, "units");
  const first = await keptUnit(kept, "unit", { a: 1 }, compute);
  expect(first).toMatchObject({ result: { value: 1 }, wasKept: false });
  expect(await keptUnit(kept, "unit", { a: 1 }, compute)).toEqual({ ...first, wasKept: true });
  expect(await keptUnit(kept, "unit", { a: 2 }, compute)).toMatchObject({
    result: { value: 2 },
    wasKept: false,
  });
});

test("a run whose process fails says so", async () => {
  const script = new URL("../bench/paper/small-run-process.ts", import.meta.url);
  const request = { preset: "none", objective: "imle", steps: 1, seed: 1 };
  await expect(inProcess(script, { request, size: "smoke", kept: 0 })).rejects.toThrow(
    "The process of small-run-process.ts ended with status 1.",
  );
});

test("a table shows what was measured with its spread, and what was not as a dash", () => {
  const table = markdownTable([
    { name: "a", label: "A", values: { modes: over([7, 8, 9]), share: null } },
    {
      name: "b",
      label: "B",
      values: { modes: { mean: 6.3, spread: 0 }, share: over([0.5]) },
      source: "someone",
    },
  ]);
  expect(table.split("\n").slice(2, 4)).toEqual([
    "| A | 8.0 ± 1.0 | – | this run |",
    "| B | 6.3 | 0.5 | someone |",
  ]);
});

describe("a search that is wrong on purpose", () => {
  const [length, count] = [4, 2000];
  const queries = createRandom(1).fillNormal(new Float32Array(count * length));
  const points = createRandom(2).fillNormal(new Float32Array(1500 * length));

  /** Of every query, at which place among the nearest points the answer is. */
  async function ranksOf(recall: number, among: number): Promise<number[]> {
    const search = inexactSearcher({ recall, among }).prepare(engine, {
      distance: l2Of(length),
      length,
      memoryBytes: 2 ** 24,
    });
    const { indices } = await search.nearest(queries, pointsInMemory(points, length));
    await search.dispose();
    const squared = (i: number, j: number) => {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += (queries[i * length + k]! - points[j * length + k]!) ** 2;
      return sum;
    };
    return Array.from(indices.subarray(0, 400), (found, i) => {
      const distance = squared(i, found);
      let nearer = 0;
      for (let j = 0; j < 1500; j++) if (squared(i, j) < distance) nearer++;
      return nearer;
    });
  }

  test("is exact at recall 1", async () => {
    expect(new Set(await ranksOf(1, 5))).toEqual(new Set([0]));
  });

  test("gives the nearest as often as it is told, else one of the nearest", async () => {
    const ranks = await ranksOf(0.4, 5);
    const share = ranks.filter((rank) => rank === 0).length / ranks.length;
    // Binomial, deviation 0.024.
    expect(Math.abs(share - 0.4)).toBeLessThan(0.1);
    expect(new Set(ranks)).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});
