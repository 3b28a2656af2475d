/**
 * Bundles the Worker, the playground's script and the embed with esbuild. In the npm package this was done when it was
 * made, so that esbuild and TF.js need not come with it (`library/build.ts`).
 */

import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { BuildOptions, Metafile, Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What the npm package has built already; a checkout has no such folder. */
const BUILT = join(root, "built");

export interface WorkerBuild {
  readonly directory: string;
  /** All ES modules, the main one first. */
  readonly scripts: readonly string[];
  /** The WebAssembly modules that those import by name. */
  readonly wasm: readonly string[];
  /** Files of bundles that they import by name. */
  readonly data: readonly string[];
  readonly bytes: number;
  /** Scripts, WebAssembly and data, each gzipped: what a deployed Worker's size limit counts. */
  readonly gzipBytes: number;
  /** The part of it that is loaded at the start; the rest (TF.js, the JPEG decoder) only when needed. */
  readonly startGzipBytes: number;
}

/**
 * Builds the Worker into a folder: ES modules, and beside them the WebAssembly modules that they import. What is
 * imported dynamically becomes a module of its own. The same files run in local workerd and are deployed.
 *
 * @param entry    relative to the project
 * @param embedded what edge/embedded-models.ts holds
 */
export async function buildWorker(
  entry: string,
  directory: string,
  embedded: readonly EmbeddedFile[] = [],
): Promise<WorkerBuild> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const atStart =
    entry === WORKER && existsSync(BUILT)
      ? await copyWorker(directory)
      : await bundleWorker(entry, directory);
  await writeEmbedded(directory, embedded);
  const files = (await readdir(directory)).sort();
  const named = (ending: string) => files.filter((file) => file.endsWith(ending));
  const scripts = [MAIN, ...named(".js").filter((file) => file !== MAIN)];
  const [wasm, data] = [named(".wasm"), named(".bin")];
  const sizes = new Map(
    await Promise.all(
      [...scripts, ...wasm, ...data].map(async (file) => {
        const content = await readFile(join(directory, file));
        return [file, { bytes: content.byteLength, gzipBytes: gzipSync(content).byteLength }] as const;
      }),
    ),
  );
  const gzipBytes = (files: Iterable<string>) =>
    [...files].reduce((sum, file) => sum + sizes.get(file)!.gzipBytes, 0);
  return {
    directory,
    scripts,
    wasm,
    data,
    bytes: [...sizes.values()].reduce((sum, { bytes }) => sum + bytes, 0),
    gzipBytes: gzipBytes(sizes.keys()),
    startGzipBytes: gzipBytes([...sizes.keys()].filter((file) => atStart.includes(file))),
  };
}

/**
 * Builds that.
 *
 * @returns all files that went into it
 */
export async function buildForPackage(built: string): Promise<readonly string[]> {
  bundled.clear();
  await mkdir(join(built, "worker"), { recursive: true });
  const atStart = await bundleWorker(WORKER, join(built, "worker"));
  await writeFile(join(built, "at-start.json"), JSON.stringify(atStart));
  await bundlePages(join(built, "pages"));
  return [...bundled];
}

async function copyWorker(directory: string): Promise<readonly string[]> {
  await cp(join(BUILT, "worker"), directory, { recursive: true });
  return JSON.parse(await readFile(join(BUILT, "at-start.json"), "utf8"));
}

/** Writes the pages that the Worker shows, and what it has for others' pages. */
export async function buildPages(directory: string): Promise<void> {
  if (existsSync(BUILT)) await cp(join(BUILT, "pages"), directory, { recursive: true });
  else await bundlePages(directory);
}

async function bundlePages(directory: string): Promise<void> {
  await buildPlayground(join(directory, "playground"));
  await buildEmbed(join(directory, "embed"));
}

/** The entry that serves. */
export const WORKER = "edge/worker.ts";
const MAIN = "worker.js";
const EMBEDDED = "embedded-models.js";

/**
 * Bundles a Worker's scripts into a folder that is there, all but what is embedded.
 *
 * @returns those that are loaded at the start; the others are only when needed
 */
async function bundleWorker(entry: string, directory: string): Promise<readonly string[]> {
  const wasmPaths = new Set<string>();
  const metafile = await build({
    entryPoints: { worker: join(root, entry) },
    outdir: directory,
    splitting: true,
    absWorkingDir: directory,
    target: "es2024",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    // workerd has a `process`, by which Emscripten's scripts take it for Node.
    define: { process: "undefined" },
    plugins: [wasmModules(wasmPaths), embeddedModels],
  });
  for (const path of wasmPaths) await copyFile(path, join(directory, basename(path)));
  return [...loadedAtStart(metafile, MAIN)];
}

/** What went into bundles so far. */
const bundled = new Set<string>();

/** ES modules, minified. */
async function build(options: BuildOptions) {
  const esbuild = await import("esbuild");
  const { absWorkingDir = process.cwd() } = options;
  const common = { bundle: true, minify: true, metafile: true, logLevel: "error", format: "esm" } as const;
  const { metafile } = await esbuild.build({ ...common, ...options });
  for (const file of Object.keys(metafile!.inputs)) bundled.add(resolve(absWorkingDir, file));
  return metafile!;
}

/** A file that is built into the script. */
export interface EmbeddedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

const dataModule = (index: number) => `embedded-${index}.bin`;

/** Leaves edge/embedded-models.ts to a module beside the Worker, so that one Worker serves whatever is embedded. */
const embeddedModels: Plugin = {
  name: "embedded-models",
  setup({ onResolve }) {
    onResolve({ filter: /\/embedded-models\.[jt]s$/ }, () => ({ path: `./${EMBEDDED}`, external: true }));
  },
};

/** Writes that module: every file is a data module, which Workers import as an ArrayBuffer. */
async function writeEmbedded(directory: string, files: readonly EmbeddedFile[]): Promise<void> {
  await Promise.all(files.map(({ bytes }, i) => writeFile(join(directory, dataModule(i)), bytes)));
  const lines = [
    ...files.map((_, i) => `import file${i} from "./${dataModule(i)}";`),
    `export const EMBEDDED_MODELS = {${files.map(({ path }, i) => `${JSON.stringify(path)}: file${i}`)}};\n`,
  ];
  await writeFile(join(directory, EMBEDDED), lines.join("\n"));
}

/** The main module and all that it imports statically. */
function loadedAtStart({ outputs }: Metafile, main: string): Set<string> {
  const files = new Set([main]);
  // A set's iteration reaches what is added meanwhile.
  for (const file of files) {
    for (const { path, kind } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement") files.add(basename(path));
    }
  }
  return files;
}

/** Leaves imports of `.wasm` in place, as Workers import them as modules of their own. */
function wasmModules(found: Set<string>): Plugin {
  return {
    name: "wasm-modules",
    setup({ onResolve }) {
      onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
        const file = path.startsWith(".")
          ? join(resolveDir, path)
          : createRequire(join(resolveDir, "x.js")).resolve(path);
        found.add(file);
        return { path: `./${basename(file)}`, external: true };
      });
    },
  };
}

/** Builds the playground's files into a folder. */
async function buildPlayground(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const source = join(root, "edge/playground");
  await build({
    entryPoints: [join(source, "playground.ts"), join(source, "playground.css")],
    outdir: directory,
    target: "es2022",
  });
  await writeFile(join(directory, "index.html"), await readFile(join(source, "index.html")));
}

/** Builds the embed, one ES module with our kernel in it: embed.js. */
async function buildEmbed(directory: string): Promise<void> {
  await build({
    entryPoints: [join(root, "edge/embed/embed.ts")],
    outdir: directory,
    target: "es2022",
    loader: { ".wasm": "binary" },
  });
}
