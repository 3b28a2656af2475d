import { InputError } from "../input-error.ts";
import type { Engine } from "./engine.ts";
import { createOnnxEngine } from "./onnx-engine.ts";

/** Every engine, by the name that `--engine` takes; `auto` takes the first. */
export const ENGINES: Readonly<Record<string, () => Engine>> = {
  cpu: () => createOnnxEngine({ provider: "cpu" }),
};

/** @throws InputError if there is no such engine */
export function createEngine(name: string): Engine {
  const known = Object.keys(ENGINES);
  const create =
    name === "auto" ? ENGINES[known[0]!] : Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
  if (!create) throw new InputError(`engine: no engine "${name}". Known: auto, ${known.join(", ")}.`);
  return create();
}
