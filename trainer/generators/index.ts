import type { Generator, GeneratorRequest } from "./generator.ts";
import { mlp } from "./mlp.ts";

/** Every generator architecture, by the name that a configuration uses. */
export const GENERATORS: Readonly<Record<string, (request: GeneratorRequest) => Generator>> = { mlp };
