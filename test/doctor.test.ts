import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ENGINES } from "../trainer/engine/index.ts";

/** Runs a command as npm would, in an environment in which Chromium's GPU in software isn't found. */
async function command(script: string, ...args: string[]) {
  const root = new URL("..", import.meta.url);
  const options = { cwd: root, maxBuffer: 2 ** 24 };
  return promisify(execFile)(process.execPath, [`cli/${script}.ts`, ...args], options).then(
    ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ status: code as number, stdout, stderr }),
  );
}

interface Report {
  readonly auto: { readonly engine: string; readonly why: string };
  readonly engines: readonly {
    readonly name: string;
    readonly works: boolean;
    readonly reason?: string;
    readonly remedy?: string;
    readonly notForAuto?: string;
    readonly msPerStep?: number;
    readonly gflops?: number;
    readonly failure?: string;
  }[];
}

describe("doctor", () => {
  test("lists every engine, measures what works, and says what would add the rest", async () => {
    const { status, stdout, stderr } = await command("doctor", "--json");
    expect(status, stderr).toBe(0);
    const report = JSON.parse(stdout) as Report;
    expect(report.engines.map(({ name }) => name)).toEqual(Object.keys(ENGINES));
    for (const each of report.engines) {
      expect(each, each.name).toMatchObject({ ...(await ENGINES[each.name]!.probe()) });
      expect(stderr).toContain(`${each.name}: looking for it …\n`);
      if (each.works) {
        expect(each.failure, each.name).toBeUndefined();
        expect(each.msPerStep).toBeGreaterThan(0);
        // Two operations for each of 128 rows and every weight: forward, backward, and on to the layer before.
        const operations = 2 * 128 * (2 * 64 * 512 + 3 * 512 * 512 + 3 * 512 * 784);
        expect(each.gflops! * each.msPerStep!).toBeCloseTo(operations / 1e6, 3);
      } else {
        expect(each.msPerStep).toBeUndefined();
        expect(each.remedy).toMatch(/\S/);
      }
    }
    const first = report.engines.find(({ works, notForAuto }) => works && notForAuto === undefined)!;
    expect(report.auto.engine).toBe(first.name);
    expect(report.auto.why).toContain(first.name);
  });

  test("shows people a table, of the engines that they ask for", async () => {
    const missing = await firstMissing();
    const { status, stdout } = await command("doctor", "cpu", ...(missing ? [missing.name] : []));
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}engine +a step +GFLOP\/s$/m);
    expect(stdout).toMatch(/^✔ cpu +[\d.]+ ms +[\d.]+ +ONNX Runtime .+ threads?$/m);
    expect(stdout).toContain("--engine auto takes cpu");
    if (missing) {
      expect(stdout).toContain(`✘ ${missing.name} `);
      expect(stdout).toContain(`to add it: ${missing.remedy}\n`);
    }
    expect(stdout).not.toContain("tfjs:wasm");
  });

  test("refuses an engine that isn't known in one line", async () => {
    const { status, stdout, stderr } = await command("doctor", "abacus");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(`doctor: no engine "abacus". Known: ${Object.keys(ENGINES).join(", ")}.\n`);
  });
});

test("training on an engine that isn't there ends with one line: why, and the command that adds it", async ({
  skip,
}) => {
  const missing = await firstMissing();
  if (!missing) return skip("every engine works here");
  const { status, stderr } = await command(
    "train",
    "--preset",
    "ring",
    "--steps",
    "1",
    "--engine",
    missing.name,
  );
  expect(status).toBe(2);
  expect(stderr).toBe(
    `train: engine: "${missing.name}" doesn't work here: ${missing.reason}. To add it: ${missing.remedy}. ` +
      "`npm run doctor` lists what works.\n",
  );
});

async function firstMissing() {
  for (const { name, probe } of Object.values(ENGINES)) {
    const found = await probe();
    if (!found.works) return { name, ...found };
  }
  return null;
}
