/** `imle`, as a process: one program of all commands, that guesses what was meant and completes what is typed. */

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { resolveConfig } from "../trainer/config.ts";
import { loadDataset } from "../trainer/data/index.ts";
import { createEngine, ENGINES } from "../trainer/engine/index.ts";
import { PRESETS } from "../trainer/presets/index.ts";
import { root } from "./snippets.ts";

const folder = mkdtempSync(join(tmpdir(), "imle-command-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function imle(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, "cli/imle.ts"), ...args],
      { cwd: folder },
      (error, stdout, stderr) => resolve({ status: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test("lists the commands, and each tells its own options", async () => {
  const { status, stdout } = await imle("--help");
  expect(status).toBe(0);
  for (const name of ["init", "start", "train", "eval", "serve", "deploy", "compare", "doctor"]) {
    expect(stdout).toMatch(new RegExp(`^  ${name}\\b.*\\S$`, "m"));
  }
  expect((await imle("train", "--help")).stdout).toContain("--objective <name>");
  expect((await imle("--version")).stdout).toBe(`${packageJson.version}\n`);
});

test("without a command it shows them, as bad usage", async () => {
  expect(await imle()).toMatchObject({ status: 2, stdout: expect.stringContaining("Commands:") });
});

describe("what isn't known is refused in one line, with what was probably meant", () => {
  test.each([
    [["tran"], "imle: unknown command 'tran' (Did you mean train?)\n"],
    [["train", "--prest", "ring"], "train: unknown option '--prest' (Did you mean --preset?)\n"],
    [["train", "--preset", "glyhps"], 'train: preset: no preset "glyhps". Did you mean "glyphs"? Known: '],
    [["doctor", "web-gpu"], 'doctor: no engine "web-gpu". Did you mean "webgpu"? '],
  ])("%j", async (args, line) => {
    const { status, stderr } = await imle(...args);
    expect(stderr.startsWith(line), stderr).toBe(true);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(status).toBe(2);
  });

  test.each([
    ["objective.name=imel", /Did you mean "imle"\?$/],
    ["objective.distance=l2+fetures", /"fetures" is no distance\. Did you mean "features"\? /],
    ["generator.latent_size=3", /no such field\. Did you mean "latentSize"\? /],
    ["generator.kind=dcgn", /Did you mean "dcgan"\?$/],
    ["objective.name=cats", /expected one of "imle"(?!.*Did you mean)/],
  ])("--set %s", (field, message) => {
    expect(() => resolveConfig("ring", { set: [field] })).toThrow(message);
  });

  test("data sets and engines", async () => {
    await expect(loadDataset({ name: "rign", seed: 1 })).rejects.toThrow('Did you mean "ring"?');
    await expect(createEngine("gpu")).rejects.toThrow('Did you mean "cpu"?');
  });
});

describe("completion", () => {
  /** What a shell is told while the last of the words is typed. */
  const completed = async (...words: readonly string[]) =>
    (await imle("complete", "--", ...words)).stdout
      .split("\n")
      .filter((line) => line.includes("\t"))
      .map((line) => line.split("\t")[0]!);

  test.each(["bash", "powershell"])("has a script for %s", async (shell) => {
    const { status, stdout } = await imle("complete", shell);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\bimle complete '?--/);
  });

  test("knows commands, options and their values", async () => {
    expect(await completed("d")).toEqual(["deploy", "doctor"]);
    expect(await completed("train", "--ob")).toEqual(["--objective"]);
    expect(await completed("train", "--preset", "")).toEqual(Object.keys(PRESETS));
    expect(await completed("eval", "--engine", "")).toEqual(["auto", ...Object.keys(ENGINES)]);
  });

  test("knows what lies in folders", async () => {
    mkdirSync(join(folder, "models/glyphs"), { recursive: true });
    mkdirSync(join(folder, "models/.hidden"), { recursive: true });
    expect(await completed("serve", "mo")).toEqual(["models/"]);
    expect(await completed("serve", "models/")).toEqual(["models/glyphs/"]);
    expect(await completed("serve", "nowhere/")).toEqual([]);
  });
});

describe("init", () => {
  test("writes a project that asks for what it needs, in the versions that were tested", async () => {
    const project = join(folder, "My Project!");
    const { status, stdout } = await imle("init", project);
    expect(status).toBe(0);
    expect(stdout).toContain("npm install\n");
    expect(readdirSync(project).sort()).toEqual([
      ".gitignore",
      ".npmrc",
      "README.md",
      "package.json",
      "train.js",
    ]);
    const { name, scripts, dependencies } = JSON.parse(readFileSync(join(project, "package.json"), "utf8"));
    expect(name).toBe("my-project-");
    expect(scripts.train).toBe("imle train");
    expect(dependencies["imle-edge"]).toBe(`^${packageJson.version}`);
    expect(dependencies["onnxruntime-node"]).toBe(packageJson.peerDependencies["onnxruntime-node"]);
  });

  test("leaves a folder alone that has something in it", async () => {
    const project = join(folder, "full");
    mkdirSync(project);
    writeFileSync(join(project, "mine.txt"), "");
    const { status, stderr } = await imle("init", project);
    expect(status).toBe(2);
    expect(stderr).toBe(`init: ${project}: has files in it, expected an empty folder. Name another one.\n`);
    expect(readdirSync(project)).toEqual(["mine.txt"]);
  });
});

test("what is an optional package of this one is a package that it is tested with", () => {
  const developed: Record<string, string> = packageJson.devDependencies;
  for (const [name, range] of Object.entries(packageJson.peerDependencies)) {
    // Those two are installed by whoever wants them: see README.
    if (!name.startsWith("@tensorflow/tfjs-node")) expect(range, name).toBe(`^${developed[name]}`);
  }
});
