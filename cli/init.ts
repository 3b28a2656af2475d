/** `imle init FOLDER`: a project that installs, trains and serves, to begin from. */

import { cp, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { InputError } from "../trainer/input-error.ts";
import { runAsScript } from "./command.ts";

const STARTER = fileURLToPath(new URL("starter", import.meta.url));
/** npm leaves files of these names out of packages. */
const DOT_FILES = ["gitignore", "npmrc"];
/** What trains, reads pictures and serves: the package itself has only what a web page needs. */
const NATIVE = ["onnxruntime-node", "sharp", "workerd"];
const COMMANDS = ["start", "train", "eval", "serve", "deploy", "compare", "doctor"];

export const command = new Command("init")
  .description(
    "Begins a project: data drawn by code, a model of them, and commands to train, measure and serve.",
  )
  .argument("[folder]", "where; made if it isn't there, and empty", "imle-project")
  .action(run);

await runAsScript(import.meta, command);

async function run(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  if (found.length > 0) {
    throw new InputError(`${folder}: has files in it, expected an empty folder. Name another one.`);
  }
  await mkdir(folder, { recursive: true });
  await cp(STARTER, folder, { recursive: true });
  for (const name of DOT_FILES) await rename(join(folder, name), join(folder, `.${name}`));
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifestOf(folder), null, 2)}\n`);
  console.log(
    [`${folder} is ready. Go on with:`, `  cd ${folder}`, "  npm install", "  npm start"].join("\n"),
  );
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly peerDependencies: Readonly<Record<string, string>>;
}

function manifestOf(folder: string): object {
  const own = createRequire(import.meta.url)("imle-edge/package.json") as PackageJson;
  const name = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z\d._-]+/g, "-");
  return {
    name: name.replace(/^[._-]+/, "") || "imle-project",
    private: true,
    type: "module",
    scripts: Object.fromEntries(COMMANDS.map((each) => [each, `imle ${each}`])),
    dependencies: {
      [own.name]: `^${own.version}`,
      ...Object.fromEntries(NATIVE.map((each) => [each, own.peerDependencies[each]])),
    },
  };
}
