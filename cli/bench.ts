/** `npm run bench -- NAME… [--only PART] [--data DIR] [--json FILE]`: the benchmarks, peers in the same run. */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { BENCHMARKS } from "../bench/index.ts";
import type { BenchmarkOptions, BenchmarkRow } from "../bench/row.ts";
import { InputError } from "../trainer/input-error.ts";
import { describeMachine } from "../trainer/run/machine.ts";
import { collect, runCommand } from "./command.ts";

interface Flags {
  readonly only: readonly string[];
  readonly data?: string;
  readonly json?: string;
}

const DEFAULT_MNIST = fileURLToPath(new URL("../../shared/data/mnist", import.meta.url));
const known = Object.keys(BENCHMARKS).join(", ");

const program = new Command("bench")
  .description("Measures speed, with peers in the same run where they are installed.")
  .argument("<name...>", `which (${known})`)
  .option("--only <part>", "only rows whose name contains this (repeatable)", collect, [])
  .option("--data <dir>", "MNIST's files, for what trains on them; ../shared/data/mnist if left out")
  .option("--json <file>", "also write the rows as JSON")
  .action(async (names: string[], { only, data, json }: Flags) => {
    for (const name of names) {
      if (!Object.hasOwn(BENCHMARKS, name)) throw new InputError(`no benchmark "${name}". Known: ${known}.`);
    }
    const { cpu, cores, node } = describeMachine();
    console.log(`${cpu}, ${cores} cores, Node ${node}`);
    const rows: BenchmarkRow[] = [];
    const options: BenchmarkOptions = {
      wants: (row) => only.length === 0 || only.some((part) => row.includes(part)),
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
