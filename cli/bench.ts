/** `npm run bench -- NAME… [--only PART] [--quick] [--data DIR] [--cifar10 PATH] [--engine NAME] [--json FILE]`: the benchmarks. */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { BENCHMARKS } from "../bench/index.ts";
import { type BenchmarkOptions, type BenchmarkRow, rowsWith } from "../bench/row.ts";
import { ONNX_VERSION } from "../trainer/engine/onnx-session.ts";
import { InputError } from "../trainer/input-error.ts";
import { describeMachine } from "../trainer/run/machine.ts";
import { collect, runCommand } from "./command.ts";

interface Flags {
  readonly only: readonly string[];
  readonly quick?: boolean;
  readonly data?: string;
  readonly cifar10?: string;
  readonly engine: readonly string[];
  readonly json?: string;
}

const MNIST = fileURLToPath(new URL("../../shared/data/mnist", import.meta.url));
const CIFAR10 = fileURLToPath(new URL("../../shared/data/cifar10-jpg.tar.gz", import.meta.url));
const known = Object.keys(BENCHMARKS).join(", ");

const program = new Command("bench")
  .description("Measures speed, with peers in the same run where they are installed.")
  .argument("<name...>", `which (${known})`)
  .option(
    "--only <part>",
    "only rows whose name contains this, or the paper's experiment of this letter (repeatable)",
    collect,
    [],
  )
  .option("--quick", "one repetition or small sizes, to see that it runs; the figures are no measurement")
  .option("--data <dir>", "MNIST's files, for what trains on them; ../shared/data/mnist if left out")
  .option("--cifar10 <path>", "CIFAR-10, for what searches it; ../shared/data/cifar10-jpg.tar.gz if left out")
  .option("--engine <name>", "for gpu: this one, even if it computes in software (repeatable)", collect, [])
  .option("--json <file>", "also write the rows as JSON")
  .action(async (names: string[], { only, quick = false, data, cifar10, engine, json }: Flags) => {
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
      wants: rowsWith(only),
      quick,
      engines: engine,
      mnist: data ?? (existsSync(MNIST) ? MNIST : null),
      cifar10: cifar10 ?? (existsSync(CIFAR10) ? CIFAR10 : null),
    };
    for (const name of names) {
      const measured = await BENCHMARKS[name]!((line) => console.error(line), options);
      rows.push(...measured.filter((row) => options.wants(row.name)));
    }
    if (rows.length > 0) console.log(tableOf(rows));
    if (json) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
  });

await runCommand(program);

/** A Markdown table, so that it can go into BENCHMARKS.md as it is; columns that no row fills are left out. */
function tableOf(rows: readonly BenchmarkRow[]): string {
  const columns: [string, (row: BenchmarkRow) => string | null | undefined][] = [
    ["", ({ name }) => name],
    ["median", ({ value, unit }) => `${shown(value)} ${unit}`],
    ["IQR", ({ spread }) => shown(spread)],
    ["peer", ({ peer }) => peer],
    ["peer's median", ({ peerValue }) => shown(peerValue)],
    ["ours is better by", ({ ratio }) => (ratio === null ? null : `${ratio.toFixed(2)}×`)],
    ["ceiling", ({ ceiling }) => shown(ceiling)],
    ["recall", ({ recall }) => recall?.toFixed(4)],
    [
      "peak memory",
      ({ peakMemoryBytes }) =>
        peakMemoryBytes === undefined ? null : `${(peakMemoryBytes / 1e9).toFixed(2)} GB`,
    ],
  ];
  const filled = columns.filter(([, cell]) => rows.some((row) => cell(row)));
  const lines = [
    filled.map(([head]) => head),
    filled.map(() => "---"),
    ...rows.map((row) => filled.map(([, cell]) => cell(row) || "–")),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function shown(value: number | null | undefined): string | null {
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : null;
}
