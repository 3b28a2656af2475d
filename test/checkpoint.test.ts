import { createHash } from "node:crypto";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { resolveConfig } from "../trainer/config.ts";
import type { Numbers } from "../trainer/engine/engine.ts";
import { InputError } from "../trainer/input-error.ts";
import { type Checkpoint, readCheckpoint, writeCheckpoint } from "../trainer/run/checkpoint.ts";
import { createCheckpoints, holdsNumbers } from "../trainer/run/checkpoints.ts";
import { createRunFolder, resumeRunFolder } from "../trainer/run/run-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "imle-checkpoint-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const newPath = () => join(folder, `${files++}.ckpt`);

const names = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((n) => n !== "__proto__");
const floats = fc.float32Array({ maxLength: 20 });
const values = fc.dictionary(names, floats, { maxKeys: 4, noNullPrototype: true });
const count = fc.maxSafeNat();

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  stepCount: count,
  elapsedSeconds: fc.double({ min: 0, max: 1e9, noNaN: true }).map((seconds) => seconds + 0),
  loss: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }).map((loss) => loss + 0)),
  training: fc.record({
    parameters: fc.dictionary(
      names,
      fc.record({
        weights: values,
        average: values,
        firstMoment: values,
        secondMoment: values,
        stepCount: count,
      }),
      { maxKeys: 3, noNullPrototype: true },
    ),
    counters: fc.dictionary(names, fc.integer(), { maxKeys: 4, noNullPrototype: true }),
    arrays: fc.dictionary(
      names,
      fc.oneof<fc.Arbitrary<Numbers>[]>(floats, fc.int32Array({ maxLength: 20 })),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  }),
}) as fc.Arbitrary<Checkpoint>;

/** A small one of the usual make. */
const sample = (stepCount = 7, loss: number | null = 0.5): Checkpoint => ({
  stepCount,
  elapsedSeconds: 1.25,
  loss,
  training: {
    parameters: {
      generator: {
        weights: { "dense0/kernel": Float32Array.of(1, -2, 3.5) },
        average: { "dense0/kernel": Float32Array.of(1, -2, 3.25) },
        firstMoment: { "dense0/kernel": Float32Array.of(0, 1e-30, Number.NaN) },
        secondMoment: { "dense0/kernel": Float32Array.of(0, Number.POSITIVE_INFINITY, 1) },
        stepCount,
      },
    },
    counters: { round: 2, stepInRound: 1 },
    arrays: { subset: Int32Array.of(4, 2), matched: Float32Array.of(0.5) },
  },
});

/** Reading must fail with one line that names the file and matches. */
async function refuses(path: string, message: RegExp): Promise<void> {
  const error = await readCheckpoint(path).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toContain(path);
  expect((error as Error).message).not.toContain("\n");
}

/** The bytes with a hash that fits them, as only a program that means harm would write. */
function resigned(bytes: Buffer): Buffer {
  const body = bytes.subarray(0, bytes.length - 32);
  return Buffer.concat([body, createHash("sha256").update(body).digest()]);
}

test("what is written is read again, to the bit", async () => {
  await fc.assert(
    fc.asyncProperty(checkpoints, async (checkpoint) => {
      const path = newPath();
      await writeCheckpoint(path, checkpoint);
      expect(await readCheckpoint(path)).toEqual(checkpoint);
      expect(existsSync(`${path}.tmp`)).toBe(false);
      rmSync(path);
    }),
    { numRuns: 50 },
  );
});

test("views into larger memory are written as what they show", async () => {
  const memory = Float32Array.of(9, 9, 1, 2, 3, 9);
  const path = newPath();
  const { training, ...rest } = sample();
  const arrays = { w: memory.subarray(2, 5) };
  await writeCheckpoint(path, { ...rest, training: { ...training, arrays } });
  expect((await readCheckpoint(path)).training.arrays).toEqual({ w: Float32Array.of(1, 2, 3) });
});

test("an older file of the name is replaced, and stays if the new one can't be written", async () => {
  const path = newPath();
  await writeCheckpoint(path, sample(1));
  await writeCheckpoint(path, sample(2));
  expect((await readCheckpoint(path)).stepCount).toBe(2);
  const broken = { ...sample(3), training: { ...sample(3).training, arrays: { w: null } } };
  await expect(writeCheckpoint(path, broken as unknown as Checkpoint)).rejects.toThrow();
  mkdirSync(`${path}.tmp`);
  await expect(writeCheckpoint(path, sample(3))).rejects.toThrow();
  expect((await readCheckpoint(path)).stepCount).toBe(2);
});

describe("refused by name", () => {
  const path = newPath();
  const written = writeCheckpoint(path, sample()).then(() => readFileSync(path));

  async function refusesBytes(bytes: Uint8Array, message: RegExp): Promise<void> {
    const altered = newPath();
    writeFileSync(altered, bytes);
    await refuses(altered, message);
  }

  test("a missing file", () => refuses(join(folder, "nowhere.ckpt"), /: is missing\. Give a run folder/));

  test("every truncation, and anything appended", async () => {
    const bytes = await written;
    for (let length = 0; length < bytes.length; length++) {
      await refusesBytes(bytes.subarray(0, length), /cut short/);
    }
    await refusesBytes(Buffer.concat([bytes, Buffer.of(0)]), /altered or cut short/);
  });

  test("every flipped byte", async () => {
    const bytes = await written;
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at]! ^= 1 << (at % 8);
      const expected = at < 8 ? /not a checkpoint/ : at < 12 ? /format version/ : /altered or cut short/;
      await refusesBytes(altered, expected);
    }
  });

  test("any bits flipped, any bytes cut or put in", async () => {
    const bytes = await written;
    const at = fc.nat(bytes.length - 1);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(([i, mask]) => {
            const altered = Buffer.from(bytes);
            altered[i]! ^= mask;
            return altered;
          }),
          fc.tuple(at, at).map(([a, b]) => {
            const [from, to] = [Math.min(a, b), Math.max(a, b) + 1];
            return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
          }),
          fc
            .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 64 }))
            .map(([i, extra]) => Buffer.concat([bytes.subarray(0, i), extra, bytes.subarray(i)])),
        ),
        (altered) => refusesBytes(altered, /^checkpoint: [^\n]+\.$/),
      ),
      { numRuns: Number(process.env["FAULT_TRIES"] ?? 500) },
    );
  });

  test("another version, with the versions named", async () => {
    const altered = Buffer.from(await written);
    for (const version of [1, 2, 4]) {
      altered.writeUInt32LE(version, 8);
      const named = new RegExp(
        `format version ${version}, but this program reads 3\\. Go on with the version .*run\\.json`,
      );
      await refusesBytes(resigned(altered), named);
    }
  });

  test("other files", async () => {
    await refusesBytes(Buffer.from("\x89PNG\r\n\x1a\n".repeat(20), "latin1"), /not a checkpoint/);
    await refusesBytes(Buffer.alloc(200), /not a checkpoint/);
  });

  test("a forged header, even with a hash that fits", async () => {
    const bytes = await written;
    const longer = Buffer.from(bytes);
    longer.writeUInt32LE(0xffffffff, 12);
    await refusesBytes(resigned(longer), /damaged header/);
    const text = bytes.toString("latin1");
    for (const [from, to] of [
      ['"length":3', '"length":9'],
      ['"length":3', '"length":0'],
      ['"stepCount"', '"stepcount"'],
      ['{"stepCount', '["stepCount'],
      ['"part":"weights"', '"part":"wrights"'],
      ['"network":"generator"', '"network":"generatr!"'],
    ] as const) {
      expect(text).toContain(from);
      await refusesBytes(resigned(Buffer.from(text.replace(from, to), "latin1")), /damaged header/);
    }
  });
});

test.each(["weights", "average", "firstMoment", "secondMoment"] as const)(
  "a parameter state whose %s overflow doesn't hold numbers only",
  (group) => {
    const { training } = sample();
    const zeros = { w: new Float32Array(3) };
    const state = { weights: zeros, average: zeros, firstMoment: zeros, secondMoment: zeros, stepCount: 1 };
    const holds = (changed: object) =>
      holdsNumbers({ ...training, parameters: { first: state, second: { ...state, ...changed } } });
    expect(holds({})).toBe(true);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(holds({ [group]: { w: Float32Array.of(1, value, 1) } })).toBe(false);
    }
  },
);

describe("a run folder", () => {
  const config = resolveConfig("ring", { seed: 3 });
  const parent = join(folder, "runs");

  const saved = (run: { path: string }) => readdirSync(join(run.path, "checkpoints")).sort();
  const fileOf = (run: { path: string }, name: string) => join(run.path, "checkpoints", name);

  test("keeps the configuration, the last three checkpoints and the best, and nothing unfinished", async () => {
    const run = await createRunFolder(config, parent);
    const about = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    expect(about).toMatchObject({ seed: 3, config, machine: { node: process.version } });
    writeFileSync(fileOf(run, "0001-step-00000001.ckpt.tmp"), "half");
    for (const [step, loss] of [null, 0.5, 0.3, 0.4, 0.6, 0.3, 0.7].entries()) {
      await run.saveCheckpoint(sample(step + 1, loss));
    }
    expect(saved(run)).toEqual([
      "0005-step-00000005.ckpt",
      "0006-step-00000006.ckpt",
      "0007-step-00000007.ckpt",
      "best.ckpt",
    ]);
    expect((await readCheckpoint(fileOf(run, "best.ckpt"))).stepCount).toBe(3);
    const resumed = await resumeRunFolder(run.path);
    expect(resumed).toMatchObject({ checkpoint: sample(7, 0.7), leftOut: [], config });
    expect(resumed.folder.path).toBe(run.path);
    // Who goes on knows what the best is.
    await resumed.folder.saveCheckpoint(sample(8, 0.4));
    expect((await readCheckpoint(fileOf(run, "best.ckpt"))).stepCount).toBe(3);
    await resumed.folder.saveCheckpoint(sample(9, 0.2));
    expect((await readCheckpoint(fileOf(run, "best.ckpt"))).stepCount).toBe(9);
  });

  test("goes on with the checkpoint that is named, and what comes after that is the newest", async () => {
    const run = await createRunFolder(config, parent);
    for (const step of [10, 20, 30]) {
      await run.saveCheckpoint(sample(step));
      await run.record({ stepCount: step, loss: step });
    }
    const metrics = join(run.path, "metrics.jsonl");
    appendFileSync(metrics, '{"stepCount":3');
    const { folder: resumed, checkpoint } = await resumeRunFolder(fileOf(run, "0001-step-00000010.ckpt"));
    expect(checkpoint?.stepCount).toBe(10);
    // What was recorded after it will be recorded again.
    expect(readFileSync(metrics, "utf8")).toBe('{"stepCount":10,"loss":10}\n');
    await resumed.saveCheckpoint(sample(15));
    expect((await resumeRunFolder(run.path)).checkpoint?.stepCount).toBe(15);
    await expect(resumeRunFolder(fileOf(run, "0001-step-00000010.ckpt"))).rejects.toThrow(/is missing/);
  });

  test("two runs within a second have folders of their own", async () => {
    const paths = await Promise.all([1, 2, 3].map(() => createRunFolder(config, parent)));
    expect(new Set(paths.map(({ path }) => path)).size).toBe(3);
  });

  const asFolder = (file: string) => {
    rmSync(file);
    mkdirSync(file);
  };
  test.each([
    ["missing", (newest: string) => rmSync(newest), []],
    [
      "cut short",
      (newest: string) => writeFileSync(newest, readFileSync(newest).subarray(0, 100)),
      ["altered or cut"],
    ],
    [
      "altered",
      (newest: string) => writeFileSync(newest, readFileSync(newest).fill(1, 60, 62)),
      ["altered or cut"],
    ],
    ["no file", asFolder, ["can't be read \\(EISDIR\\)"]],
  ] as const)("goes on with the one before where the newest checkpoint is %s", async (_, damage, leftOut) => {
    const run = await createRunFolder(config, parent);
    await run.saveCheckpoint(sample(1, null));
    await run.saveCheckpoint(sample(2, null));
    const newest = fileOf(run, "0002-step-00000002.ckpt");
    damage(newest);
    const resumed = await resumeRunFolder(run.path);
    expect(resumed.checkpoint?.stepCount).toBe(1);
    const told = leftOut.map((why) => expect.stringMatching(`^0002-step-00000002\\.ckpt: ${why}`));
    expect(resumed.leftOut).toEqual(told);
    await expect(readCheckpoint(newest)).rejects.toThrow(InputError);
    // Without either, the newest of those that are there is named.
    writeFileSync(fileOf(run, "0001-step-00000001.ckpt"), "damaged");
    await expect(resumeRunFolder(run.path)).rejects.toThrow(leftOut.length > 0 ? /0002-/ : /0001-/);
  });

  test("without any checkpoint, begins again", async () => {
    const run = await createRunFolder(config, parent);
    await run.record({ stepCount: 100 });
    expect(await resumeRunFolder(run.path)).toMatchObject({ config, checkpoint: undefined, leftOut: [] });
    expect(readFileSync(join(run.path, "metrics.jsonl"), "utf8")).toBe("");
  });

  test("whose configuration was edited is refused, whichever field it was", async () => {
    const run = await createRunFolder(config, parent);
    const about = join(run.path, "run.json");
    const text = readFileSync(about, "utf8");
    for (const [from, to] of [
      ['"batchSize": ', '"batchSize": 1'],
      ['"seed": 3,\n    ', '"seed": 4,\n    '],
      ['"learningRate": ', '"learningRate": 1'],
    ] as const) {
      expect(text).toContain(from);
      writeFileSync(about, text.replace(from, to));
      await expect(resumeRunFolder(run.path)).rejects.toThrow(
        /^--resume: .*run\.json: config was edited since the run began\. Undo that, .*--set, or start a new run\.$/,
      );
    }
    writeFileSync(about, text.replace('"commit"', '"note": "mine", "commit"'));
    await resumeRunFolder(run.path);
  });

  test("a snapshot is written when the loss after it is a number, and not before", async () => {
    const run = await createRunFolder(config, parent);
    const checkpoints = createCheckpoints(run, 60);
    checkpoints.offer(sample(1));
    expect([checkpoints.lastGood(), saved(run)]).toEqual([null, []]);
    await checkpoints.confirm();
    const first = fileOf(run, "0001-step-00000001.ckpt");
    expect(checkpoints.lastGood()).toEqual({ path: first, stepCount: 1 });
    checkpoints.offer(sample(2)); // gives way to the next, never confirmed
    checkpoints.offer(sample(3));
    expect(saved(run)).toEqual(["0001-step-00000001.ckpt", "best.ckpt"]);
    await checkpoints.confirm();
    await checkpoints.confirm(); // nothing waits
    expect(checkpoints.lastGood()?.stepCount).toBe(3);
    expect((await resumeRunFolder(run.path)).checkpoint).toEqual(sample(3));
    expect(saved(run)).toEqual(["0001-step-00000001.ckpt", "0002-step-00000003.ckpt", "best.ckpt"]);
  });

  test("fields changed on resuming stay changed; the rest of run.json is as it was", async () => {
    const run = await createRunFolder(config, parent);
    await run.saveCheckpoint(sample());
    const before = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    const changed = { ...config, optimiser: { ...config.optimiser, learningRate: 0.5 } };
    expect((await resumeRunFolder(run.path, ["optimiser.learningRate=0.5"])).config).toEqual(changed);
    expect((await resumeRunFolder(run.path)).config).toEqual(changed);
    const after = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    expect(after).toEqual({
      ...before,
      config: changed,
      configSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await expect(resumeRunFolder(run.path, ["optimiser.learningRate=-1"])).rejects.toThrow(/learningRate/);
    expect((await resumeRunFolder(run.path)).config).toEqual(changed);
  });

  test("what is no run folder, or a damaged one, is refused in one line", async () => {
    const refusal = async (path: string, message: RegExp) => {
      const error = await resumeRunFolder(path).then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(InputError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).not.toContain("\n");
    };
    await refusal(join(folder, "nowhere"), /nowhere is not a run folder \(no run\.json\)/);
    const run = await createRunFolder(config, parent);
    await refusal(
      join(run.path, "checkpoints/0009-step-00000009.ckpt"),
      /0009-step-00000009\.ckpt: is missing/,
    );
    await run.saveCheckpoint(sample());
    const about = join(run.path, "run.json");
    copyFileSync(about, `${about}.good`);
    for (const text of ["{", "null", "[]", '"text"', "{}", '{"config":{"preset":"ring"}}']) {
      writeFileSync(about, text);
      await refusal(run.path, /^--resume: .*run\.json: /);
    }
    const { config: whole } = JSON.parse(readFileSync(`${about}.good`, "utf8"));
    writeFileSync(about, JSON.stringify({ config: { ...whole, seed: -1 } }));
    await refusal(run.path, /run\.json: seed: /);
    writeFileSync(about, JSON.stringify({ config: whole }));
    await refusal(run.path, /run\.json: configSha256 is missing: .*older version/);
  });
});
