import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { startPython } from "../bench/python.ts";
import { type BenchmarkRow, rowsWith } from "../bench/row.ts";
import { type Contestant, takeTurns } from "../bench/turns.ts";

const repository = fileURLToPath(new URL("..", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "imle-bench-"));
afterAll(() => rmSync(root, { recursive: true }));

const pytorch = await startPython("pytorch_model.py", ["1"], { threads: 1 });
await pytorch?.close();

describe("npm run bench", () => {
  test("measures the rows asked for, beside what is installed, and writes them as JSON", async () => {
    const json = join(root, "rows.json");
    const { stdout, stderr } = await bench(
      "train",
      "--only",
      "conv-b128-1-thread",
      "--quick",
      "--json",
      json,
    );
    const [row, ...more] = JSON.parse(readFileSync(json, "utf8")) as BenchmarkRow[];
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      name: "train/conv-b128-1-thread",
      unit: "ms/step",
      spread: expect.any(Number),
    });
    expect(row!.value).toBeGreaterThan(0);
    expect(row!.ceiling).toBeGreaterThan(0);
    if (pytorch) {
      expect(row!.peer).toMatch(/^PyTorch \d/);
      expect(row!.ratio).toBeCloseTo(row!.peerValue! / row!.value, 9);
    } else {
      expect(row).toMatchObject({ peer: null, peerValue: null, ratio: null });
      expect(stderr).toContain("PyTorch is not installed, so it is no peer.");
    }
    expect(stdout).toMatch(/^\| train\/conv-b128-1-thread \|/m);
    expect(stdout).toContain("no measurement");
  }, 120_000);

  test("an unknown benchmark is one line that names the known ones", async () => {
    await expect(bench("speed")).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^.*no benchmark "speed"\. Known: train, .*\n$/),
    });
  });
});

test.each([
  [[], "paper/a-zero-avoiding/imle/mean", true],
  [["a"], "paper/a-zero-avoiding/imle/mean", true],
  [["a"], "paper/b-parzen/real/recall", false],
  [["parzen"], "paper/b-parzen/real/recall", true],
  [["conv", "mlp-b128"], "train/mlp-b1024", false],
  [["conv", "mlp-b128"], "train/mlp-b128-1-thread", true],
])("--only %j: %s is wanted: %s", (parts, row, wanted) => {
  expect(rowsWith(parts)(row)).toBe(wanted);
});

describe("turns", () => {
  test("the peer is the one with the smallest median, and the ratio is above 1 where ours is faster", async () => {
    const row = await turns(taking("ours", 10), [taking("slow", 25), taking("fast", 20)]);
    expect(row).toMatchObject({ value: 10, peer: "fast", peerValue: 20, ratio: 2 });
  });

  test("a peer that is hopeless in the warm-up is not waited for", async () => {
    const hopeless = taking("hopeless", 1000);
    await turns(taking("ours", 10), [taking("fast", 20), hopeless]);
    expect(hopeless.counts).toEqual([2]);
  });

  test("slow repetitions make a round short, but never empty", async () => {
    const ours = taking("ours", 300);
    const peer = taking("peer", 5000);
    await turns(ours, [peer]);
    expect(ours.counts).toEqual([2, 3, 3]);
    expect(peer.counts).toEqual([2, 1, 1]);
  });
});

/** Claims to take so long, and remembers the repetitions that it was asked for. */
function taking(label: string, ms: number): Contestant & { counts: number[] } {
  const counts: number[] = [];
  return {
    label,
    counts,
    async time(count) {
      counts.push(count);
      return Array.from({ length: count }, () => ms);
    },
  };
}

function turns(ours: Contestant, peers: readonly Contestant[]): Promise<BenchmarkRow> {
  return takeTurns({ name: "a row", unit: "ms", ours, peers, rounds: 2, count: 10, warmUp: 2 });
}

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)("node", ["cli/bench.ts", ...args], { cwd: repository });
}
