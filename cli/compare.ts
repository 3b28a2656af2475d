/** `npm run compare -- runs/a runs/b …`: puts runs side by side. */

import { writeFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Command } from "commander";
import { InputError } from "../trainer/input-error.ts";
import { comparisonPage, configDifferences, type Fact, resultFacts } from "../trainer/report/comparison.ts";
import { type RunRecord, readRun } from "../trainer/report/run-record.ts";
import { runAsScript } from "./command.ts";
import { layOut } from "./metrics-table.ts";

export const command = new Command("compare")
  .description("Puts runs side by side: a table here, and a page with curves, samples and configurations.")
  .argument("<runs...>", "two run folders or more, runs/*")
  .option("--out <file>", "where the page goes", "comparison.html")
  .action(run);

await runAsScript(import.meta, command);

async function run(folders: readonly string[], { out }: { readonly out: string }): Promise<void> {
  if (folders.length < 2) {
    throw new InputError(`expected two run folders or more, got ${folders.length}. Give some of runs/*.`);
  }
  const runs = named(await Promise.all(folders.map(readRun)), folders);
  const print = (facts: readonly Fact[]) =>
    console.log(layOut([["", ...runs.map(({ name }) => name)], ...facts]));
  print(resultFacts(runs));
  const differences = configDifferences(runs);
  if (differences.length > 0) {
    console.log("\nconfigurations differ in");
    print(differences);
  }
  await writeFile(out, await comparisonPage(runs)).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(`--out: ${out} can't be written (${error.code}). Give another place.`);
  });
  console.log(`\n${pathToFileURL(resolve(out))}`);
}

/** Folders of one name are told apart by where they lie. */
function named(runs: readonly RunRecord[], folders: readonly string[]): RunRecord[] {
  const isUnique = new Set(runs.map(({ name }) => name)).size === runs.length;
  return runs.map((each, i) => (isUnique ? each : { ...each, name: relative("", folders[i]!) }));
}
