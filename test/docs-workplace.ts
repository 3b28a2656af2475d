/** A folder as the documentation has it: with data, a model, a server of it, and npm scripts that make short runs. */

import { execFile, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { encodePng } from "../shared/png.ts";
import { createRandom } from "../shared/random.ts";
import { glyphs } from "../trainer/data/glyphs.ts";
import { root } from "./snippets.ts";

/** Enough to run every line of every command; what comes out is no model. */
const SHORT_TRAINING = [
  ...["--steps", "8"],
  ...[
    ...["objective.poolSize=200", "objective.subsetSize=128", "objective.cuts=3"],
    ...["generator.hidden=[16]", "generator.channels=[4,4,4]", "run.sampleGrids=1"],
  ].flatMap((field) => ["--set", field]),
];
const SHORT_EVALUATION = ["--samples", "300", "--no-classifier", "--no-ceiling"];

/** What pages say the server's address is, and what a run folder may be called. */
const ADDRESS = /localhost:8787/g;
const RUN = /runs\/[\d-]+T[\w-]+/g;

export interface Workplace {
  readonly folder: string;
  readonly server: LocalServer;
  /** A page's text with the server's address in it, and run folders that are there. */
  located(text: string): string;
  /** Runs a shell block line by line; a line that serves is ended once it does. @throws Error with the output */
  run(text: string): Promise<string>;
  close(): Promise<void>;
}

export async function createWorkplace(): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "imle-docs-"));
  const command = (name: string, ...flags: string[]) =>
    [process.execPath, join(root, `cli/${name}.ts`), ...flags].join(" ");
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      scripts: {
        train: command("train", ...SHORT_TRAINING),
        eval: command("eval", ...SHORT_EVALUATION),
        serve: command("serve"),
        deploy: command("deploy"),
        doctor: command("doctor"),
        compare: command("compare"),
        bench: command("bench"),
      },
    }),
  );
  await writeData(folder);
  const shell = (line: string) =>
    promisify(execFile)("bash", ["-ec", line], { cwd: folder, maxBuffer: 2 ** 26 }).then(
      ({ stdout }) => stdout,
      (error: Error & { stdout: string; stderr: string }) => {
        throw new Error(`${line}\n${error.stdout}\n${error.stderr}`);
      },
    );
  await shell("npm run -s train -- --preset glyphs --set export.weights=float32");
  const server = await startServer({ bundles: [join(folder, "models/glyphs")] });
  const located = (text: string) => {
    const runs = readdirSync(join(folder, "runs"));
    let next = 0;
    return text
      .replaceAll(ADDRESS, new URL(server.url).host)
      .replaceAll("--port 8787", "--port 0")
      .replaceAll(RUN, () => `runs/${runs[next++ % runs.length]}`);
  };
  return {
    folder,
    server,
    located,
    async run(text) {
      const lines = located(text).trim().replaceAll("\\\n", " ").split("\n");
      let output = "";
      for (const line of lines) {
        output += await (/^npm run serve\b/.test(line) ? serveAndEnd(line, folder) : shell(line));
      }
      return output;
    },
    async close() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ctrl-C once it serves. */
async function serveAndEnd(line: string, cwd: string): Promise<string> {
  const child = spawn("bash", ["-ec", `exec ${line}`], { cwd, detached: true });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (output.includes("Ctrl-C")) process.kill(-child.pid!, "SIGINT");
    });
  }
  await new Promise((resolve) => child.once("close", resolve));
  if (!output.includes("Ctrl-C")) throw new Error(`${line}\n${output}`);
  return output;
}

/** Pictures in two classes and an archive of them, MNIST's files with characters in them, a table. */
async function writeData(folder: string): Promise<void> {
  const random = createRandom(1);
  const pictures = join(folder, "path/to/pictures");
  for (const [label, name] of ["dark", "light"].entries()) {
    await mkdir(join(pictures, name), { recursive: true });
    for (let i = 0; i < 60; i++) {
      const data = Uint8Array.from({ length: 40 * 36 * 3 }, () => 128 * label + random.below(128));
      await writeFile(
        join(pictures, name, `${i}.png`),
        encodePng({ width: 40, height: 36, channels: 3, data }),
      );
    }
  }
  await promisify(execFile)("tar", ["-czf", join(folder, "cifar10.tar.gz"), "-C", pictures, "."]);
  await writeFile(
    join(folder, "people.csv"),
    Array.from({ length: 200 }, () => `${170 + random.normal()},${60 + random.normal()}`).join("\n"),
  );
  const mnist = join(folder, "path/to/mnist");
  await mkdir(mnist, { recursive: true });
  const { train, test } = glyphs.create(1, { train: 400, heldOut: 1, test: 100 });
  for (const [name, part] of [
    ["train", train],
    ["t10k", test!],
  ] as const) {
    await writeFile(
      join(mnist, `${name}-images-idx3-ubyte`),
      idx([part.count, 28, 28], part.values as Uint8Array),
    );
    await writeFile(
      join(mnist, `${name}-labels-idx1-ubyte`),
      idx([part.count], Uint8Array.from(part.labels!)),
    );
  }
}

/** A file in MNIST's format: of bytes, so many dimensions, their sizes, and the numbers. */
function idx(sizes: readonly number[], values: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(0x800 + sizes.length);
  for (const [i, size] of sizes.entries()) header.writeUInt32BE(size, 4 + 4 * i);
  return Buffer.concat([header, values]);
}
