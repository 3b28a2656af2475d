import { imle } from "./imle.ts";
import type { Objective } from "./objective.ts";
import { rsImle } from "./rs-imle.ts";

/** Every objective, by the name that `--objective` takes. */
export const OBJECTIVES: Readonly<Record<string, Objective>> = { imle, "rs-imle": rsImle };
