#!/usr/bin/env node
/** `imle COMMAND …`: all commands as one program, for projects that have this one installed. */

import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { version } from "../shared/version.ts";
import { EXIT_BAD_USAGE, runProgram } from "./command.ts";
import { completePaths } from "./completion.ts";

interface Listed {
  readonly summary: string;
  /** Loaded only if it is asked for: some need packages that not everybody has installed. */
  load(): Promise<{ readonly command: Command }>;
}

const COMMANDS: Readonly<Record<string, Listed>> = {
  init: { summary: "begin a project in a folder", load: () => import("./init.ts") },
  start: {
    summary: "train a first model, if it isn't there, and serve it",
    load: () => import("./start.ts"),
  },
  train: { summary: "train a generator and export it", load: () => import("./train.ts") },
  eval: { summary: "measure an exported model", load: () => import("./eval.ts") },
  serve: { summary: "serve exported models here", load: () => import("./serve.ts") },
  deploy: { summary: "deploy them to Cloudflare Workers", load: () => import("./deploy.ts") },
  compare: { summary: "put runs side by side", load: () => import("./compare.ts") },
  doctor: { summary: "look which engines work here, and how fast", load: () => import("./doctor.ts") },
};

const asked = askedFor(process.argv.slice(2));
await runProgram(program, asked ?? "imle");

async function program(): Promise<Command> {
  const imle = new Command("imle")
    .description("Generative models by Implicit Maximum Likelihood Estimation: train, measure, serve.")
    .version(version)
    .showSuggestionAfterError();
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = name === asked ? (await load()).command : new Command(name).description(summary);
    imle.addCommand(command.summary(summary));
  }
  completePaths(tab(imle));
  // Without a command commander would call its help an error.
  if (process.argv.length === 2) {
    imle.action(() => {
      imle.outputHelp();
      process.exitCode = EXIT_BAD_USAGE;
    });
  }
  return imle;
}

/** The command that the arguments begin with; also in `help train` and, while it is being completed, `complete -- train`. */
function askedFor(args: readonly string[]): string | undefined {
  const [first, ...rest] = args.filter((each) => each !== "--");
  if (first === "help" || first === "complete") return askedFor(rest);
  return first !== undefined && Object.hasOwn(COMMANDS, first) ? first : undefined;
}
