import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ENGINES } from "../../trainer/engine/index.ts";
import "../software-gpu.ts";

const SCRIPT = fileURLToPath(new URL("steps-memory.ts", import.meta.url));

/** Else V8 makes room for short-lived objects in steps of 16 MiB, whenever it likes. */
const SMALL_YOUNG_GENERATION = ["--min-semi-space-size=1", "--max-semi-space-size=1"];

const MOST_PERCENT = 2;
const ATTEMPTS = 3;

/** 100,000, a day's worth, by `npm run test:memory`. */
const STEPS = Number(process.env["MEMORY_STEPS"] ?? 10_000);
/** A GPU in software takes about 10 ms for one. */
const SOFTWARE_STEPS = Math.min(STEPS, 500);
const HOURS = 3_600_000;

describe.each(Object.values(ENGINES))("engine $name", (kind) => {
  test(
    `${STEPS} steps (500 in software) take less than 2 % more memory`,
    async ({ skip, annotate }) => {
      const found = await kind.probe();
      if (!found.works) return skip(found.reason);
      const steps = found.notForAuto?.includes("software") ? SOFTWARE_STEPS : STEPS;
      // Before that, allocators fill their pools.
      const args = [...SMALL_YOUNG_GENERATION, SCRIPT, kind.name, String(steps / 5), String(steps)];
      const growths: number[] = [];
      // What leaks grows every time; what an allocator happens to keep on a busy machine doesn't.
      while (growths.length < ATTEMPTS && !(Math.min(...growths) < MOST_PERCENT)) {
        const { stdout } = await promisify(execFile)(process.execPath, args);
        const { before, after } = JSON.parse(stdout) as { before: number; after: number };
        growths.push(100 * (after / before - 1));
        await annotate(
          `${steps} steps: ${growths.at(-1)!.toFixed(2)} % more than ${Math.round(before / 2 ** 20)} MiB`,
        );
      }
      expect(Math.min(...growths)).toBeLessThan(MOST_PERCENT);
    },
    HOURS,
  );
});
