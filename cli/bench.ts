/** `npm run bench -- NAME… [--only PART] [--quick] [--data DIR] [--json FILE]`: the benchmarks, peers in the same run. */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { BENCHMARKS } from "../bench/index.ts";
import type { BenchmarkOptions, BenchmarkRow } from "../bench/row.ts";
import { ONNX_VERSION } from "../trainer/engine/onnx-session.ts";
import { InputError } from "../trainer/input-error.ts";
import { describeMachine } from "../trainer/run/machine.ts";
import { collect, runCommand } from "./command.ts";

interface Flags {
  readonly only: readonly string[];
  readonly quick?: boolean;
  readonly data?: string;
  readonly json?: string;
}

const DEFAULT_MNIST = fileURLToPath(new URL("../../shared/data/mnist", import.meta.url));
const known = Object.keys(BENCHMARKS).join(", ");

const program = new Command("bench")
  .description("Measures speed, with peers in the same run where they are installed.")
  .argument("<name...>", `which (${known})`)
  .option("--only <part>", "only rows whose name contains this (repeatable)", collect, [])
  .option("--quick", "train, sample: one repetition, to see that it runs; the figures are no measurement")
  .option("--data <dir>", "MNIST's files, for what trains on them; ../shared/data/mnist if left out")
  .option("--json <file>", "also write the rows as JSON")
  .action(async (names: string[], { only, quick = false, data, json }: Flags) => {
    for (const name of names) {
      if (!Object.hasOwn(BENCHMARKS, name)) throw new InputError(`no benchmark "${name}". Known: ${known}.`);
    }
    const { cpu, cores, node } = describeMachine();
    const load = loadavg()[0]!.toFixed(1); // what else is running takes its share of every figure
    console.log(
      `${cpu}, ${cores} cores, Node ${node}, ONNX Runtime ${ONNX_VERSION}, load ${load} at the start`,
    );
    if (quick) console.log("--quick: one repetition each, no measurement.");
    const rows: BenchmarkRow[] = [];
    const options: BenchmarkOptions = {
      wants: (row) => only.length === 0 || only.some((part) => row.includes(part)),
      quick,
      mnist: data ?? (existsSync(DEFAULT_MNIST) ? DEFAULT_MNIST : null),
    };
    for (const name of names) {
      const measured = await BENCHMARKS[name]!((line) => console.error(line), options);
      rows.push(...measured.filter((row) => options.wants(row.name)));
    }
    console.log(tableOf(rows));
    if (json) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
  });

await runCommand(program);

/** A Markdown table, so that it can go into BENCHMARKS.md as it is. */
function tableOf(rows: readonly BenchmarkRow[]): string {
  const cells = rows.map(({ name, value, unit, spread, peer, peerValue, ratio, ceiling }) => [
    name,
    `${rounded(value)} ${unit}`,
    rounded(spread),
    peer ?? "–",
    peerValue === null ? "–" : rounded(peerValue),
    ratio === null ? "–" : `${ratio.toFixed(2)}×`,
    ceiling === undefined ? "–" : rounded(ceiling),
  ]);
  const head = ["", "median", "IQR", "peer", "peer's median", "ours is better by", "ceiling"];
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}
