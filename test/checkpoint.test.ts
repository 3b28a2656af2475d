import { createHash } from "node:crypto";
import {
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
const sample = (stepCount = 7): Checkpoint => ({
  stepCount,
  elapsedSeconds: 1.25,
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

  test("a missing file", () => refuses(join(folder, "nowhere.ckpt"), /is missing\. Give a run folder/));

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

  test("another version, with the versions named", async () => {
    const altered = Buffer.from(await written);
    altered.writeUInt32LE(3, 8);
    await refusesBytes(resigned(altered), /format version 3, but this program reads 2/);
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

  test("keeps the configuration and the last two checkpoints, and nothing unfinished", async () => {
    const run = await createRunFolder(config, parent);
    const about = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    expect(about).toMatchObject({ seed: 3, config, machine: { node: process.version } });
    for (const step of [1, 2, 3]) await run.saveCheckpoint(sample(step));
    const saved = join(run.path, "checkpoints");
    expect(readdirSync(saved).sort()).toEqual(["latest.ckpt", "previous.ckpt"]);
    expect((await readCheckpoint(join(saved, "previous.ckpt"))).stepCount).toBe(2);
    const resumed = await resumeRunFolder(run.path);
    expect(resumed.checkpoint).toEqual(sample(3));
    expect(resumed.config).toEqual(config);
    expect(resumed.folder.path).toBe(run.path);
  });

  test("two runs within a second have folders of their own", async () => {
    const paths = await Promise.all([1, 2, 3].map(() => createRunFolder(config, parent)));
    expect(new Set(paths.map(({ path }) => path)).size).toBe(3);
  });

  test.each([
    ["missing", (latest: string) => rmSync(latest)],
    ["cut short", (latest: string) => writeFileSync(latest, readFileSync(latest).subarray(0, 100))],
    ["altered", (latest: string) => writeFileSync(latest, readFileSync(latest).fill(1, 60, 62))],
  ])("goes on with the previous checkpoint where the latest is %s", async (_, damage) => {
    const run = await createRunFolder(config, parent);
    await run.saveCheckpoint(sample(1));
    await run.saveCheckpoint(sample(2));
    const latest = join(run.path, "checkpoints", "latest.ckpt");
    damage(latest);
    expect((await resumeRunFolder(run.path)).checkpoint.stepCount).toBe(1);
    // Without either, the one that should have been there is named.
    rmSync(join(run.path, "checkpoints", "previous.ckpt"));
    await expect(resumeRunFolder(run.path)).rejects.toThrow(InputError);
    await expect(resumeRunFolder(run.path)).rejects.toThrow(/latest\.ckpt/);
  });

  test("a snapshot is written when the loss after it is a number, and not before", async () => {
    const run = await createRunFolder(config, parent);
    const checkpoints = createCheckpoints(run, 60);
    const latest = join(run.path, "checkpoints", "latest.ckpt");
    checkpoints.offer(sample(1));
    expect([checkpoints.lastGood(), existsSync(latest)]).toEqual([null, false]);
    await checkpoints.confirm();
    expect(checkpoints.lastGood()).toEqual({ path: latest, stepCount: 1 });
    checkpoints.offer(sample(2)); // gives way to the next, never confirmed
    checkpoints.offer(sample(3));
    expect((await readCheckpoint(latest)).stepCount).toBe(1);
    await checkpoints.confirm();
    await checkpoints.confirm(); // nothing waits
    expect(checkpoints.lastGood()?.stepCount).toBe(3);
    expect((await resumeRunFolder(run.path)).checkpoint).toEqual(sample(3));
    expect(readdirSync(join(run.path, "checkpoints")).sort()).toEqual(["latest.ckpt", "previous.ckpt"]);
  });

  test("fields changed on resuming stay changed; the rest of run.json is as it was", async () => {
    const run = await createRunFolder(config, parent);
    await run.saveCheckpoint(sample());
    const before = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    const changed = { ...config, optimiser: { ...config.optimiser, learningRate: 0.5 } };
    expect((await resumeRunFolder(run.path, ["optimiser.learningRate=0.5"])).config).toEqual(changed);
    expect((await resumeRunFolder(run.path)).config).toEqual(changed);
    const after = JSON.parse(readFileSync(join(run.path, "run.json"), "utf8"));
    expect(after).toEqual({ ...before, config: changed });
    await expect(resumeRunFolder(run.path, ["optimiser.learningRate=-1"])).rejects.toThrow(/learningRate/);
    expect((await resumeRunFolder(run.path)).config).toEqual(changed);
  });

  test("a damaged latest checkpoint gives way to the next one", async () => {
    const run = await createRunFolder(config, parent);
    await run.saveCheckpoint(sample(1));
    await run.saveCheckpoint(sample(2));
    const saved = join(run.path, "checkpoints");
    writeFileSync(join(saved, "latest.ckpt"), "damaged");
    const { folder: resumed } = await resumeRunFolder(run.path);
    await resumed.saveCheckpoint(sample(3));
    expect((await resumeRunFolder(run.path)).checkpoint.stepCount).toBe(3);
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
    await refusal(run.path, /latest\.ckpt is missing/);
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
  });
});
