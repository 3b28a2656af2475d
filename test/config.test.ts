import { describe, expect, test } from "vitest";
import { MAX_SEED } from "../shared/random.ts";
import { type ConfigOverrides, configSchema, resolveConfig } from "../trainer/config.ts";
import { PROCEDURAL_SOURCES } from "../trainer/data/index.ts";
import { InputError } from "../trainer/input-error.ts";
import { OBJECTIVES } from "../trainer/objectives/index.ts";
import { PRESETS } from "../trainer/presets/index.ts";

function refusal(preset: string, overrides: ConfigOverrides = {}): string {
  try {
    resolveConfig(preset, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as InputError;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("not refused");
}

describe.each(Object.keys(PRESETS))("preset %s", (name) => {
  const config = resolveConfig(name);

  test("resolves, and says so itself", () => {
    expect(config.preset).toBe(name);
    expect(configSchema.parse(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  test("has one budget, and data that ships or that --data gives", () => {
    expect(Object.values(config.budget).filter((value) => value !== null).length).toBe(1);
    if (config.data.name !== null) expect(PROCEDURAL_SOURCES).toHaveProperty(config.data.name);
    expect(config.data.path).toBeNull();
  });

  test("asks for a radius where its objective needs one", () => {
    if (config.objective.name === "rs-imle") expect(config.objective.rejectionRadius).toBeGreaterThan(0);
  });

  test("isn't changed by what a command line sets", () => {
    const before = structuredClone(PRESETS[name]);
    resolveConfig(name, { set: ["generator.hidden=[1,2]", "objective.poolSize=7", "run.sampleGrids=1"] });
    expect(PRESETS[name]).toEqual(before);
  });
});

test("an unknown preset is refused, and the known ones told", () => {
  for (const name of ["nope", "", "toString", "__proto__"]) {
    expect(refusal(name)).toBe(`preset: no preset "${name}". Known: ${Object.keys(PRESETS).join(", ")}.`);
  }
});

describe("flags", () => {
  test("go over the preset, --set over flags", () => {
    const config = resolveConfig("glyphs", {
      seed: 9,
      engine: "cpu",
      objective: "rs-imle",
      dataPath: "some/where",
      budget: { minutes: 2 },
      set: ["seed=10"],
    });
    expect(config).toMatchObject({
      seed: 10,
      engine: "cpu",
      objective: { name: "rs-imle" },
      data: { path: "some/where" },
      budget: { minutes: 2, steps: null, epochs: null },
    });
  });

  test("a bad one is refused, and the known ones told", () => {
    expect(refusal("ring", { objective: "diffusion" })).toMatch(/^config: objective\.name: .*"imle"/);
    for (const name of Object.keys(OBJECTIVES)) {
      expect(refusal("ring", { objective: "diffusion" })).toContain(name);
    }
    expect(refusal("ring", { seed: -1 })).toMatch(/^config: seed: /);
    expect(refusal("ring", { seed: MAX_SEED + 1 })).toMatch(/^config: seed: /);
  });
});

describe("--set path=value", () => {
  const set = (...assignments: string[]) => resolveConfig("ring", { set: assignments });

  test("numbers, booleans, null and lists as JSON writes them, anything else as text", () => {
    expect(set("optimiser.learningRate=2.5e-3").optimiser.learningRate).toBe(0.0025);
    expect(set("export.trainingRows=false").export.trainingRows).toBe(false);
    expect(set("objective.rejectionRadius=null").objective.rejectionRadius).toBeNull();
    expect(set("generator.hidden=[64, 32]").generator.hidden).toEqual([64, 32]);
    expect(set("generator.hidden=[]").generator.hidden).toEqual([]);
    expect(set("generator.activation=leaky-relu").generator.activation).toBe("leaky-relu");
    expect(set('generator.activation="tanh"').generator.activation).toBe("tanh");
    expect(set('optimiser={"learningRate":0.5}').optimiser.learningRate).toBe(0.5);
  });

  test("a value may hold an equals sign; an item of a list has its number as name", () => {
    expect(set("data.path=/a=b").data.path).toBe("/a=b");
    expect(set("generator.hidden.0=17").generator.hidden[0]).toBe(17);
  });

  test("the last of several for one field counts, and others stay", () => {
    const config = set("objective.poolSize=10", "objective.poolSize=20", "objective.passes=3");
    expect(config.objective).toMatchObject({ poolSize: 20, passes: 3, searcher: "auto" });
  });

  test("another kind of budget takes the preset's place away first", () => {
    expect(refusal("ring", { set: ["budget.minutes=1"] })).toMatch(
      /^config: budget: exactly one of steps, minutes and epochs/,
    );
    expect(set("budget.steps=null", "budget.epochs=1.5").budget).toEqual({
      steps: null,
      minutes: null,
      epochs: 1.5,
    });
  });

  test("a value that a field doesn't take is refused by the field's name", () => {
    const bad: Readonly<Record<string, readonly string[]>> = {
      seed: ["1.5", "-1", "abc", "", String(2 ** 53), "null"],
      preset: ["3"],
      engine: ["1"],
      "data.name": ["7"],
      "data.path": ["false"],
      "data.stack": ["2", "0", "true"],
      "generator.kind": ["cnn", "constructor"],
      "generator.latentSize": ["0", "-3", "2.5", "5000", "big", "null", "[16]"],
      "generator.hidden": ["64", "[64,]", "[0]", "[1.5]", '["a"]', "[70000]"],
      "generator.activation": ["selu", "5"],
      "objective.name": ["diffusion", "null"],
      "objective.poolSize": ["0", "1e400", "ten"],
      "objective.subsetSize": ["0"],
      "objective.passes": ["0"],
      "objective.batchSize": ["-1"],
      "objective.latentJitter": ["-0.1"],
      "objective.rejectionRadius": ["0", "-1", "wide"],
      "objective.distance": ["manhattan"],
      "objective.searcher": ["quantum"],
      "objective.searchMemoryMiB": ["0"],
      "optimiser.learningRate": ["0", "-1", "fast"],
      "optimiser.finalLearningRateShare": ["1.1", "-0.1"],
      "optimiser.warmupSteps": ["-1", "0.5"],
      "objective.klWeight": ["-1"],
      "objective.likelihoodScale": ["0", "wide"],
      "objective.codeShare": ["0", "1"],
      "objective.codeLearningRate": ["0"],
      "objective.mapObjective": ["glann"],
      "objective.components": ["0"],
      "optimiser.beta1": ["1", "-0.1"],
      "optimiser.beta2": ["1"],
      "optimiser.epsilon": ["0"],
      "optimiser.weightDecay": ["-1"],
      "optimiser.averageDecay": ["1"],
      "budget.steps": ["0", "2.5", "many"],
      "export.trainingRows": ["yes", "1"],
      "export.alpha": ["0", "0.06"],
      "export.indexAboveMiB": ["-1"],
      "run.checkpointEverySeconds": ["0"],
      "run.sampleGrids": ["-1", "0.5"],
    };
    for (const [field, values] of Object.entries(bad)) {
      for (const value of values) {
        const message = refusal("ring", { set: [`${field}=${value}`] });
        expect(message.startsWith(`config: ${field}`), `${field}=${value}: ${message}`).toBe(true);
      }
    }
  });

  test("every field can be set, here to what it is", () => {
    const leaves = (value: unknown, path: string): string[] =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([key, each]) => leaves(each, path ? `${path}.${key}` : key))
        : [path];
    const config = resolveConfig("mnist");
    for (const field of leaves(config, "")) {
      const value = field
        .split(".")
        .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config);
      expect(resolveConfig("mnist", { set: [`${field}=${JSON.stringify(value)}`] })).toEqual(config);
    }
  });

  test("a field that doesn't exist is refused, and its neighbours told", () => {
    const unknown: [string, RegExp][] = [
      ["poolsize=1", /^config: poolsize: no such field\. The configuration has .*objective/],
      [
        "objective.poolsize=1",
        /^config: objective\.poolsize: no such field\. Did you mean "poolSize"\? objective has .*poolSize/,
      ],
      ["generator.layers.0=1", /^config: generator\.layers: no such field\. generator has .*hidden/],
      ["seed.x=1", /^config: seed\.x: "seed" has no fields/],
      ["engine.name=cpu", /^config: engine/],
      ["objective..poolSize=1", /^config: objective/],
      ["objective.=1", /^config: objective/],
      ["__proto__.polluted=1", /^config: __proto__/],
      ["__proto__=1", /^config: __proto__/],
      ["objective.__proto__.poolSize=1", /^config: objective\.__proto__/],
      ["constructor.prototype.polluted=1", /^config: constructor/],
    ];
    for (const [assignment, message] of unknown) {
      expect(refusal("ring", { seed: 1, set: [assignment] })).toMatch(message);
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("without a path or an equals sign", () => {
    for (const assignment of ["", "objective.poolSize", "=5"]) {
      expect(refusal("ring", { set: [assignment] })).toBe(
        `--set: expected path=value, got "${assignment}". Say --set objective.poolSize=5000.`,
      );
    }
  });
});
