/** `npm run bench -- NAME… [--json FILE]`: the benchmarks, peers in the same run. */

import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import { BENCHMARKS } from "../bench/index.ts";
import type { BenchmarkRow } from "../bench/row.ts";
import { InputError } from "../trainer/input-error.ts";
import { describeMachine } from "../trainer/run/machine.ts";
import { runCommand } from "./command.ts";

const known = Object.keys(BENCHMARKS).join(", ");

const program = new Command("bench")
  .description("Measures speed, with peers in the same run where they are installed.")
  .argument("<name...>", `which (${known})`)
  .option("--json <file>", "also write the rows as JSON")
  .action(async (names: string[], { json }: { json?: string }) => {
    for (const name of names) {
      if (!Object.hasOwn(BENCHMARKS, name)) throw new InputError(`no benchmark "${name}". Known: ${known}.`);
    }
    const { cpu, cores, node } = describeMachine();
    console.log(`${cpu}, ${cores} cores, Node ${node}`);
    const rows: BenchmarkRow[] = [];
    for (const name of names) rows.push(...(await BENCHMARKS[name]!((line) => console.error(line))));
    console.log(tableOf(rows));
    if (json) await writeFile(json, `${JSON.stringify(rows, null, 2)}\n`);
  });

await runCommand(program);

/** A Markdown table, so that it can go into BENCHMARKS.md as it is. */
function tableOf(rows: readonly BenchmarkRow[]): string {
  const cells = rows.map(({ name, value, unit, spread, peer, peerValue, ratio }) => [
    name,
    `${rounded(value)} ${unit}`,
    rounded(spread),
    peer ?? "–",
    peerValue === null ? "–" : rounded(peerValue),
    ratio === null ? "–" : `${ratio.toFixed(2)}×`,
  ]);
  const head = ["", "median", "IQR", "peer", "peer's median", "ours is better by"];
  return [head, head.map(() => "---"), ...cells].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}
