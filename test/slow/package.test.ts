/** The packed package in fresh projects: one that trains and serves, a Vite site, a Hono app, a Worker. */

import { execFile, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { chromium } from "playwright-core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkBundles, readStored, storedFiles } from "../../cli/assets.ts";
import packageJson from "../../package.json" with { type: "json" };
import { version } from "../../shared/version.ts";
import { openBundle } from "../../trainer/bundle-reader.ts";
import { GREY, writeSmallBundle } from "../small-bundle.ts";
import { pages, root, type Snippet, snippetsOf, titleOf } from "../snippets.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? null : `no ${chromiumPath}; set CHROMIUM_PATH`;
const noRegistry = reachesRegistry() ? null : "npm's registry can't be reached";

const snippets = pages().flatMap(snippetsOf);
const ofKind = (kind: string): Snippet[] => snippets.filter((snippet) => snippet.kind === kind);

/** Packages that are compiled, or large: nobody gets them who doesn't ask for them. */
const NATIVE = ["onnxruntime-node", "sharp", "hnswlib-node", "workerd", "wrangler", "@tensorflow", "webgpu"];

let folder: string;
let tarball: string;
let packed: { readonly size: number; readonly unpackedSize: number; readonly files: { path: string }[] };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-package-"));
  await run(root, process.execPath, "library/build.ts");
  // Without scripts: they would build the kernels anew below the feet of other tests.
  const listed = await run(root, "npm", "pack", "--ignore-scripts", "--json", "--pack-destination", folder);
  packed = Object.values(JSON.parse(listed) as Record<string, typeof packed>)[0]!;
  tarball = join(folder, `imle-edge-${version}.tgz`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("what is packed", () => {
  test("is what was compiled, and nothing else", () => {
    const others = packed.files.filter(({ path }) => !path.startsWith("lib/")).map(({ path }) => path);
    expect(others.sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(packed.files.filter(({ path }) => /test|bench|\.jpg$|(?<!\.d)\.ts$/.test(path))).toEqual([]);
    expect(packed.size).toBeLessThan(2e6);
    expect(packed.unpackedSize).toBeLessThan(6e6);
  });

  test("names whose code is bundled in it", async () => {
    const licences = await readFile(join(root, "lib/LICENCES.txt"), "utf8");
    for (const name of ["zod", "hono", "@tensorflow/tfjs-core"])
      expect(licences).toMatch(new RegExp(`^${name} \\d`, "m"));
    expect(licences).not.toContain("\nimle-edge ");
  });

  test("pleases publint", async () => {
    const bytes = await readFile(tarball);
    const { messages } = await publint({ strict: true, pack: { tarball: new Uint8Array(bytes).buffer } });
    expect(messages.map((message) => formatMessage(message, packageJson))).toEqual([]);
  });

  test("is of one version", async () => {
    expect(version).toBe(packageJson.version);
    expect(await readFile(join(root, "CHANGELOG.md"), "utf8")).toContain(`\n## ${version} `);
  });
});

const reason = noRegistry === null ? "" : ` (skipped: ${noRegistry})`;

describe.skipIf(noRegistry !== null)(`a project of \`imle init\`${reason}`, () => {
  let project: string;
  let server: { readonly url: string; end(): Promise<number | null> };
  beforeAll(async () => {
    project = join(folder, "Node project");
    await run(root, process.execPath, "lib/cli/imle.js", "init", project);
    await run(project, "npm", "pkg", "set", `dependencies.imle-edge=file:${tarball}`);
    await run(project, "npm", "install", "--prefer-offline");
    await writeSmallBundle(join(project, "models/glyphs"), { name: "glyphs", output: GREY });
    server = await serve(project, "models/glyphs");
  });
  afterAll(async () => {
    expect(await server?.end()).toBe(0);
  });

  test("trains, measures, and looks at the machine", async () => {
    await run(project, "npm", "run", "train", "--", "--preset", "mixture1d", "--steps", "20");
    expect(await run(project, "npm", "run", "eval", "--", "models/mixture1d", "--no-ceiling")).toContain(
      "modes",
    );
    expect(await run(project, "npm", "run", "doctor", "--", "cpu")).toContain("--engine auto takes cpu");
  });

  test("serves the playground, the embed and samples", async () => {
    for (const path of ["/", "/embed.js", "/sample?seed=7", "/models", "/docs"]) {
      expect((await fetch(server.url + path)).status, path).toBe(200);
    }
  });

  test("says which package a command lacks", async () => {
    const failed = await run(project, "npx", "imle", "deploy", "models/glyphs", "--dry-run").catch(String);
    expect(failed).toContain(
      "deploy: needs the package wrangler, which is not installed. npm install wrangler\n",
    );
  });

  test("compiles against the package's types", async () => {
    await writeFile(join(project, "types.ts"), TYPED);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--lib",
      "es2024,dom",
    ];
    await run(project, process.execPath, tsc, ...flags, "--types", "", "types.ts");
  });

  for (const snippet of ofKind("js node")) {
    test.skipIf(snippet.notRun !== null)(titleOf(snippet), async () => {
      const text = snippet.text
        .replaceAll("http://localhost:8787", server.url)
        .replaceAll(/steps: [\d_]+/g, "steps: 20"); // a short run
      await writeFile(join(project, "snippet.js"), text);
      await run(project, process.execPath, "snippet.js");
    });
  }

  test("its own train.js runs", async () => {
    const text = await readFile(join(project, "train.js"), "utf8");
    await writeFile(join(project, "short.js"), text.replace(/steps: [\d_]+/, "steps: 20"));
    await run(project, process.execPath, "short.js");
    expect((await openBundle(join(project, "models/spiral"))).manifest.dataset.name).toBe("spiral");
  });

  test("examples/pictures", async () => {
    const example = await copyExample(project, "pictures");
    await run(example, "npm", "run", "pictures");
    const scripts = await readFile(join(example, "package.json"), "utf8");
    await writeFile(join(example, "package.json"), scripts.replace("--minutes 3", "--steps 4"));
    await run(example, "npm", "run", "train");
    const { manifest } = await openBundle(join(example, "models/shapes"));
    expect(manifest).toMatchObject({ conditional: true, labels: ["circle", "square", "triangle"] });
  });

  test("examples/table", async () => {
    const example = await copyExample(project, "table");
    await run(example, "npm", "run", "table");
    await run(example, "npm", "run", "train", "--", "--steps", "20");
    expect(await run(example, "npm", "run", "-s", "sample")).toMatch(
      /^(.+ cm, .+: (copy|close|novel)\n){5}$/,
    );
  });

  test("examples/own-objective", async () => {
    const example = await copyExample(project, "own-objective");
    expect(await run(example, "env", "STEPS=20", "npm", "run", "-s", "train")).toContain("hard-half {");
    const { manifest } = await openBundle(join(example, "models/hard-half"));
    expect(manifest.training).toMatchObject({ objective: "hard-half", steps: 20 });
  });
});

describe.skipIf(noRegistry !== null)(`a Vite site${reason}`, () => {
  let project: string;
  beforeAll(async () => {
    project = await newProject("vite-site", `vite@${packageJson.devDependencies.vite}`);
  });

  test("gets nothing native", async () => {
    const installed = await readdir(join(project, "node_modules"));
    expect(NATIVE.filter((name) => installed.includes(name))).toEqual([]);
  });

  test("bundles nothing of the embed with the client alone", async () => {
    const script = await built('import { createClient } from "imle-edge"; console.log(createClient("/"));');
    expect(script.length).toBeLessThan(10_000);
    expect(script).not.toContain("WebAssembly");
  });

  for (const snippet of ofKind("js browser")) {
    const why = snippet.notRun ?? noBrowser;
    test.skipIf(why !== null)(titleOf(snippet, why), async () => {
      const models = join(folder, "served");
      await writeSmallBundle(join(models, "glyphs"), { name: "glyphs", output: GREY });
      const server = await serve(models, "glyphs");
      await built(
        `${snippet.text.replaceAll("http://localhost:8787", server.url)}\ndocument.title = "done";`,
      );
      const site = await serveFolder(join(project, "dist"));
      const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage();
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.goto(site.url);
        await page
          .waitForFunction('document.title === "done"')
          .catch(({ message }) => complaints.push(message));
        expect(complaints).toEqual([]);
        expect(page.workers()).toHaveLength(1);
        expect(await page.locator("canvas").count()).toBe(4);
      } finally {
        await browser.close();
        site.end();
        await server.end();
      }
    });
  }

  /** The site's script, bundled from this one. */
  async function built(script: string): Promise<string> {
    await writeFile(
      join(project, "index.html"),
      '<!doctype html><title></title><script type="module" src="/main.js"></script><body>',
    );
    await writeFile(join(project, "main.js"), script);
    await run(project, "npx", "vite", "build");
    const [name] = (await readdir(join(project, "dist/assets"))).filter((file) => file.startsWith("index-"));
    return readFile(join(project, "dist/assets", name!), "utf8");
  }
});

describe.skipIf(noRegistry !== null)(`a Hono app, and a Worker${reason}`, () => {
  let project: string;
  beforeAll(async () => {
    project = await newProject("hono-app", "hono", "@hono/node-server");
    await writeSmallBundle(join(project, "models/glyphs"), { name: "glyphs", output: GREY });
  });

  for (const snippet of ofKind("js hono")) {
    test.skipIf(snippet.notRun !== null)(titleOf(snippet), async () => {
      await writeFile(join(project, "app.js"), snippet.text);
      await writeFile(join(project, "ask.js"), ASK);
      expect(JSON.parse(await run(project, process.execPath, "ask.js"))).toEqual({
        sample: "image/png",
        image: "/imle/train/",
        shown: 200,
        model: "/imle/models/glyphs/",
      });
    });
  }

  test("examples/hono", async () => {
    const example = await copyExample(project, "hono");
    const server = await started("http://", example, process.execPath, "server.js", "../models/glyphs");
    const page = await (await fetch(server.url)).text();
    const picture = /src="(.+?)"/.exec(page)![1]!.replace("&amp;", "&");
    expect((await fetch(new URL(picture, server.url))).headers.get("content-type")).toBe("image/png");
    await server.end();
  });

  for (const snippet of ofKind("js worker")) {
    test.skipIf(snippet.notRun !== null)(titleOf(snippet), async () => {
      await writeFile(join(project, "worker.js"), snippet.text);
      const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
      const date = ["--compatibility-date", "2026-10-01"];
      await run(
        project,
        process.execPath,
        ...[wrangler, "deploy", "worker.js", "--dry-run", "--name", "mine", "--outdir", "built", ...date],
      );
      const worker = await inWorkerd(join(project, "built"), "worker.js", join(project, "models/glyphs"));
      const answer = await fetch(`${worker.url}/sample?n=4&seed=7&format=json`);
      expect(await answer.json()).toMatchObject({ seed: 7, samples: [{}, {}, {}, {}] });
      await worker.end();
    });
  }
});

/** Asks the app for a sample, and follows the links in its answers. */
const ASK = `
import app from "./app.js";
const sample = await app.request("/imle/sample?n=4&seed=7");
const nearest = await (await app.request("/imle/nearest", {
  method: "POST", headers: { "content-type": "application/json" }, body: '{"seed": 7, "index": 0}',
})).json();
const image = nearest.neighbours[0].image;
const { models } = await (await app.request("/imle/models")).json();
console.log(JSON.stringify({
  sample: sample.headers.get("content-type"),
  image: image.replace(/\\d+\\.png$/, ""),
  shown: (await app.request(image)).status,
  model: models[0].url,
}));
`;

const TYPED = `
import { createClient, type GeneratedImage, loadGenerator } from "imle-edge";
import { EmbedError } from "imle-edge/embed";
import { createEdge, type Edge, folderStorage, r2Storage } from "imle-edge/edge";
import { type Dataset, type Objective, resolveConfig, train } from "imle-edge/trainer";

export async function verdictOf(): Promise<"copy" | "close" | "novel"> {
  const answer = await createClient("/").nearest.$post({ query: { k: "3" }, json: { seed: 7, index: 0 } });
  if (!answer.ok) throw new EmbedError("missing-model", "none");
  const { verdict, pValue } = await answer.json();
  const p: number = pValue;
  // @ts-expect-error: a number
  const text: string = pValue;
  console.log(p, text);
  return verdict;
}
export async function images(): Promise<GeneratedImage[]> {
  // @ts-expect-error: no such parameter
  await (await loadGenerator("/")).sample({ count: 4 });
  return (await loadGenerator("/")).sample({ n: 4 });
}
export const edge: Edge = createEdge({ storage: await folderStorage(["models/glyphs"]) });
export const bucket = (models: Parameters<typeof r2Storage>[0]) => r2Storage(models, 1_000);
export const trained = (dataset: Dataset, objective: Objective) =>
  train({ config: resolveConfig("ring", { budget: { steps: 5 } }), dataset, objective, out: "models/x" });
// @ts-expect-error: a configuration is needed
train({ out: "models/x" });
`;

async function newProject(name: string, ...packages: string[]): Promise<string> {
  const project = join(folder, name);
  await mkdir(project);
  await writeFile(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  await run(project, "npm", "install", "--prefer-offline", tarball, ...packages);
  return project;
}

/** An example inside a project that has what it needs. */
async function copyExample(project: string, name: string): Promise<string> {
  const example = join(project, name);
  await cp(join(root, "examples", name), example, { recursive: true });
  return example;
}

/** The installed package's server. */
function serve(cwd: string, bundle: string) {
  const imle = join(root, "lib/cli/imle.js");
  const installed = join(cwd, "node_modules/imle-edge/lib/cli/imle.js");
  const script = existsSync(installed) ? installed : imle;
  return started("Serving ", cwd, process.execPath, script, "serve", bundle, "--port", "0");
}

/** A process that prints where it listens, after `before`. */
async function started(before: string, cwd: string, command: string, ...args: string[]) {
  const env = { ...process.env, PORT: "0" };
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let output = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    output += chunk;
    const url = output.includes(before) && /http:\/\/[\w.]+:\d+/.exec(output)?.[0];
    if (!url || !output.endsWith("\n")) continue;
    const end = () => {
      child.kill("SIGINT");
      return exited;
    };
    return { url, end };
  }
  throw new Error(`${command} ${args.join(" ")}: ended before it listened:\n${output}`);
}

/** A bundled Worker whose bucket MODELS has a model. */
async function inWorkerd(directory: string, mainModule: string, bundle: string) {
  const names = (await readdir(directory)).filter((file) => /\.(js|wasm)$/.test(file));
  const modules = await Promise.all(
    names.map(async (name) => {
      const type = name.endsWith(".js") ? ("esm" as const) : ("wasm" as const);
      return [name, { type, contents: new Uint8Array(await readFile(join(directory, name))) }] as const;
    }),
  );
  const config = {
    name: "mine",
    compatibilityDate: "2026-10-01",
    manifest: { mainModule, modulesRoot: directory, modules: Object.fromEntries(modules) },
    env: { MODELS: { type: "r2" as const } },
  };
  const miniflare = new Miniflare({ workers: [{ config }] });
  const bucket = await miniflare.getR2Bucket("MODELS");
  for (const file of storedFiles(await checkBundles([bundle])))
    await bucket.put(file.path, await readStored(file));
  return { url: (await miniflare.ready).origin, end: () => miniflare.dispose() };
}

async function serveFolder(directory: string): Promise<{ readonly url: string; end(): void }> {
  const types: Record<string, string> = { ".html": "text/html; charset=utf-8", ".js": "text/javascript" };
  const server = createServer(async ({ url = "/" }, response) => {
    const file = url === "/" ? "index.html" : url;
    const content = await readFile(join(directory, file)).catch(() => null);
    response.writeHead(content ? 200 : 404, { "content-type": types[extname(file)] ?? "text/plain" });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://localhost:${port}/`, end: () => server.close() };
}

/** @throws Error with all that the command said */
async function run(cwd: string, command: string, ...args: string[]): Promise<string> {
  const options = { cwd, maxBuffer: 2 ** 26, env: { ...process.env, WRANGLER_SEND_METRICS: "false" } };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  }
}

function reachesRegistry(): boolean {
  try {
    execFileSync("npm", ["view", "hono", "version"], { stdio: "ignore", timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
}
