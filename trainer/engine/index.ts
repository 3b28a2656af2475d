import { didYouMean } from "../did-you-mean.ts";
import { InputError } from "../input-error.ts";
import { cpu } from "./cpu.ts";
import { cuda } from "./cuda.ts";
import type { Engine } from "./engine.ts";
import { type EngineKind, obstacleFor } from "./kind.ts";
import { tfjsTensorflow, tfjsTensorflowGpu } from "./tfjs-tensorflow.ts";
import { tfjsWasm } from "./tfjs-wasm.ts";
import { tfjsWebgpu } from "./tfjs-webgpu.ts";
import { webgpu } from "./webgpu.ts";

/** Every engine, by the name that `--engine` takes; `auto` takes the first that works, so the fastest come first. */
export const ENGINES: Readonly<Record<string, EngineKind>> = byName([
  cuda,
  tfjsTensorflowGpu,
  webgpu,
  cpu,
  tfjsWebgpu,
  tfjsTensorflow,
  tfjsWasm,
]);

export interface ChosenEngine {
  readonly engine: Engine;
  /** One line for people: which it is, and why none that would be faster. */
  readonly why: string;
}

/**
 * Starts the engine of this name; for `auto`, the fastest that works.
 *
 * @throws InputError if there is no such engine, or it doesn't work here: the message says what would add it
 */
export async function createEngine(name: string): Promise<ChosenEngine> {
  if (name === "auto") return chooseEngine(Object.values(ENGINES));
  if (!Object.hasOwn(ENGINES, name)) {
    throw new InputError(
      `engine: no engine "${name}".${didYouMean(name, ["auto", ...Object.keys(ENGINES)])} ` +
        `Known: auto, ${Object.keys(ENGINES).join(", ")}.`,
    );
  }
  const kind = ENGINES[name]!;
  const found = await kind.probe();
  if (!found.works) {
    throw new InputError(
      `engine: "${name}" doesn't work here: ${found.reason}. To add it: ${found.remedy}. ` +
        "`npm run doctor` lists what works.",
    );
  }
  const engine = await kind.create();
  return { engine, why: nameOf(engine) };
}

/**
 * Starts the first of `kinds` that works and is worth taking.
 *
 * @throws InputError if there is none
 */
export async function chooseEngine(kinds: readonly EngineKind[]): Promise<ChosenEngine> {
  const passedBy: string[] = [];
  for (const kind of kinds) {
    const obstacle = obstacleFor(await kind.probe());
    if (obstacle === undefined) {
      const engine = await kind.create();
      return { engine, why: [nameOf(engine), ...passedBy].join("; ") };
    }
    passedBy.push(`${kind.name}: ${obstacle}`);
  }
  throw new InputError(
    `engine: none works here (${passedBy.join("; ")}). \`npm run doctor\` says what would add one.`,
  );
}

function nameOf({ name, description }: Engine): string {
  return `${name} (${description})`;
}

function byName(kinds: readonly EngineKind[]): Record<string, EngineKind> {
  return Object.fromEntries(kinds.map((kind) => [kind.name, kind]));
}
