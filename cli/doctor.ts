/** `npm run doctor`: every engine, whether it works here, how fast it is, and what would add it if it doesn't. */

import { Command } from "commander";
import { didYouMean } from "../trainer/did-you-mean.ts";
import { chooseEngine, ENGINES } from "../trainer/engine/index.ts";
import { type Availability, type EngineKind, obstacleFor } from "../trainer/engine/kind.ts";
import { InputError } from "../trainer/input-error.ts";
import { describeMachine } from "../trainer/run/machine.ts";
import { runAsScript } from "./command.ts";
import { type EngineSpeed, engineSpeed, STEP } from "./engine-speed.ts";

interface Examined {
  readonly kind: EngineKind;
  readonly found: Availability;
  /** Null where it doesn't work, or what went wrong in the measurement. */
  readonly speed: EngineSpeed | { readonly failure: string } | null;
}

export const command = new Command("doctor")
  .description("Looks which engines work here, how fast they are, and what would add the others.")
  .argument("[engine...]", `only these (${Object.keys(ENGINES).join(", ")})`)
  .option("--json", "one JSON object on stdout instead of the table", false)
  .action(run);

await runAsScript(import.meta, command);

async function run(names: readonly string[], { json }: { readonly json: boolean }): Promise<void> {
  const unknown = names.find((name) => !Object.hasOwn(ENGINES, name));
  if (unknown !== undefined) {
    throw new InputError(
      `no engine "${unknown}".${didYouMean(unknown, ENGINES)} Known: ${Object.keys(ENGINES).join(", ")}.`,
    );
  }
  const all: Examined[] = [];
  for (const kind of Object.values(ENGINES)) {
    if (names.length === 0 || names.includes(kind.name)) all.push(await examine(kind));
  }
  const auto = await autoChoice(all);
  console.log(json ? JSON.stringify(asJson(all, auto)) : asText(all, auto));
}

async function examine(kind: EngineKind): Promise<Examined> {
  console.error(`${kind.name}: looking for it …`);
  const found = await kind.probe();
  if (!found.works) return { kind, found, speed: null };
  console.error(`${kind.name}: measuring …`);
  const speed = await engineSpeed(kind.name).catch((error: Error) => ({ failure: error.message }));
  return { kind, found, speed };
}

/** What `--engine auto` would take of these; null: none. */
async function autoChoice(all: readonly Examined[]): Promise<{ engine: string; why: string } | null> {
  const kinds = all.map(({ kind, found }) => ({ ...kind, probe: async () => found }));
  if (!all.some(({ found }) => obstacleFor(found) === undefined)) return null;
  const { engine, why } = await chooseEngine(kinds);
  await engine.dispose();
  return { engine: engine.name, why };
}

type Auto = Awaited<ReturnType<typeof autoChoice>>;

function asJson(all: readonly Examined[], auto: Auto) {
  return {
    machine: describeMachine(),
    step: STEP,
    auto,
    engines: all.map(({ kind: { name, about }, found, speed }) => ({ name, about, ...found, ...speed })),
  };
}

function asText(all: readonly Examined[], auto: Auto): string {
  const { cpu, cores, memoryGiB, system, node } = describeMachine();
  const rows = all.map(({ kind, found, speed }) =>
    found.works
      ? {
          mark: "✔",
          name: kind.name,
          ...cells(speed!),
          note: found.notForAuto && `not for auto: ${found.notForAuto}`,
        }
      : {
          mark: "✘",
          name: kind.name,
          time: "",
          rate: "",
          what: found.reason,
          note: `to add it: ${found.remedy}`,
        },
  );
  const width = (of: (row: (typeof rows)[number]) => string, heading: string) =>
    Math.max(heading.length, ...rows.map((row) => of(row).length));
  const names = width(({ name }) => name, "engine");
  const times = width(({ time }) => time, "a step");
  const rates = width(({ rate }) => rate, "GFLOP/s");
  const heading = `  ${"engine".padEnd(names)}   ${"a step".padStart(times)}   ${"GFLOP/s".padStart(rates)}`;
  const indent = " ".repeat(heading.length + 3);
  const lines = rows.flatMap(({ mark, name, time, rate, what, note }) => [
    `${mark} ${name.padEnd(names)}   ${time.padStart(times)}   ${rate.padStart(rates)}   ${what}`,
    ...(note ? [indent + note] : []),
  ]);
  return [
    `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}`,
    "",
    heading,
    ...lines,
    "",
    `A step: ${STEP}.`,
    auto
      ? `--engine auto takes ${auto.engine}: from the top, the first that works and is worth it.`
      : "--engine auto takes none of these.",
    ...fasterThan(auto, all),
  ].join("\n");
}

function cells(speed: NonNullable<Examined["speed"]>): { time: string; rate: string; what: string } {
  if ("failure" in speed) return { time: "", rate: "", what: `it fails: ${speed.failure}` };
  const { msPerStep, gflops, description } = speed;
  const short = (value: number) => String(Number(value.toPrecision(value < 100 ? 2 : 3)));
  return { time: `${short(msPerStep)} ms`, rate: short(gflops), what: description };
}

/** `auto` goes by the kind of engine and doesn't measure; here somebody did. */
function fasterThan(auto: Auto, all: readonly Examined[]): string[] {
  const measured = all.flatMap(({ kind, speed }) =>
    speed && "msPerStep" in speed ? [{ name: kind.name, ms: speed.msPerStep }] : [],
  );
  const taken = measured.find(({ name }) => name === auto?.engine);
  const best = measured.toSorted((a, b) => a.ms - b.ms)[0];
  if (!taken || !best || best === taken) return [];
  return [
    `${best.name} was ${(taken.ms / best.ms).toFixed(1)} times as fast here: say --engine ${best.name}.`,
  ];
}
