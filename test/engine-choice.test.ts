import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { chooseEngine, createEngine, ENGINES } from "../trainer/engine/index.ts";
import type { Availability, EngineKind } from "../trainer/engine/kind.ts";
import { probeInProcess } from "../trainer/engine/probe-process.ts";
import { InputError } from "../trainer/input-error.ts";

describe.each(Object.entries(ENGINES))("engine %s", (name, kind) => {
  test("bears the name that it is registered by, and says what it is", () => {
    expect(kind.name).toBe(name);
    expect(kind.about).toMatch(/^[^\n]{3,80}$/);
  });

  test("starts if its probe says so; else it is refused in one line that says what would add it", async () => {
    const found = await kind.probe();
    if (found.works) {
      const { engine, why } = await createEngine(name);
      expect(engine.name).toBe(name);
      expect(why).toBe(`${name} (${engine.description})`);
      await engine.dispose();
    } else {
      const refusal = await createEngine(name).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(InputError);
      const { message } = refusal as InputError;
      expect(message).toBe(
        `engine: "${name}" doesn't work here: ${found.reason}. To add it: ${found.remedy}. ` +
          "`npm run doctor` lists what works.",
      );
      expect(message).not.toContain("\n");
    }
  });
});

test("an engine that isn't known is refused by name", async () => {
  for (const name of ["abacus", "", "toString"]) {
    const refusal = await createEngine(name).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InputError);
    expect((refusal as InputError).message).toBe(
      `engine: no engine "${name}". Known: auto, ${Object.keys(ENGINES).join(", ")}.`,
    );
  }
});

describe("auto", () => {
  const kindOf = (name: string, found: Availability): EngineKind => ({
    name,
    about: "a stand-in",
    probe: async () => found,
    create: async () => ({ ...(await ENGINES["cpu"]!.create()), name, description: "2 threads" }),
  });
  const works = { works: true } as const;
  const missing = { works: false, reason: "no adapter", remedy: "buy one" } as const;
  const software = { works: true, notForAuto: "a software adapter" } as const;

  test("takes the first that works and is worth it, and says why none before it", async () => {
    const kinds = [
      kindOf("fast", missing),
      kindOf("slow", software),
      kindOf("good", works),
      kindOf("late", works),
    ];
    const { engine, why } = await chooseEngine(kinds);
    expect(engine.name).toBe("good");
    expect(why).toBe("good (2 threads); fast: no adapter; slow: a software adapter");
    await engine.dispose();
  });

  test("refuses where none works", async () => {
    await expect(chooseEngine([kindOf("fast", missing)])).rejects.toThrow(
      "none works here (fast: no adapter)",
    );
    await expect(chooseEngine([kindOf("fast", missing)])).rejects.toBeInstanceOf(InputError);
  });
});

describe("probes in a process of their own", () => {
  const folder = mkdtempSync(join(tmpdir(), "imle-probe-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const probe = (code: string, timeLimitMs = 10_000) => {
    const path = join(folder, `probe-${code.length}.mjs`);
    writeFileSync(path, code);
    return probeInProcess({
      script: pathToFileURL(path),
      arguments: ["7"],
      remedy: "install the driver",
      timeLimitMs,
    });
  };

  test("tell what they found", async () => {
    const found = await probe(
      "process.send({ works: true, notForAuto: process.argv[2] }); setInterval(() => {}, 1000);",
    );
    expect(found).toEqual({ works: true, notForAuto: "7" });
  });

  test("may crash, end or hang: a reason like any other", async () => {
    const remedy = "install the driver";
    expect(await probe("process.kill(process.pid, 'SIGSEGV');")).toEqual({
      works: false,
      reason: "its driver crashed (SIGSEGV)",
      remedy,
    });
    expect(await probe("process.exit(3);")).toEqual({
      works: false,
      reason: "its driver crashed (exit status 3)",
      remedy,
    });
    expect(await probe("setInterval(() => {}, 1000);", 500)).toEqual({
      works: false,
      reason: "its driver didn't answer in 0.5 s",
      remedy,
    });
  });
});
