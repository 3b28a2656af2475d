/** How every command ends: 0 done, 1 failed, 2 bad usage or unusable input (one clear line), 130 interrupted. */

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { type Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { BundleError } from "../shared/manifest.ts";
import { DivergedError } from "../trainer/diverged-error.ts";
import { InputError } from "../trainer/input-error.ts";

export const EXIT_FAILED = 1;
export const EXIT_BAD_USAGE = 2;
export const EXIT_INTERRUPTED = 130;

/** Runs the command if its module is the script that Node was started with, and not part of `imle`. */
export async function runAsScript({ url }: ImportMeta, command: Command): Promise<void> {
  if (process.argv[1] === fileURLToPath(url)) await runCommand(command);
}

/** Parses the command line and runs the command's action. */
export async function runCommand(command: Command): Promise<void> {
  await runProgram(async () => command, command.name());
}

/**
 * The same for a program that is yet to be put together.
 *
 * @param load what is thrown in there ends the program like what is thrown in an action
 * @param name what messages begin with
 */
export async function runProgram(load: () => Promise<Command>, name: string): Promise<void> {
  // Pictures are decoded on Node's thread pool, which has four threads unless it is told before its first use.
  process.env["UV_THREADPOOL_SIZE"] ??= String(Math.max(4, availableParallelism()));
  try {
    const program = await load();
    for (const each of [program, ...program.commands]) {
      each.exitOverride().configureOutput({ writeErr: () => {} });
    }
    await program.parseAsync();
  } catch (error) {
    process.exitCode = statusOf(error, name);
  }
}

function statusOf(error: unknown, name: string): number {
  if (error instanceof CommanderError && error.exitCode === 0) return 0; // --help
  if (error instanceof CommanderError || error instanceof InputError || error instanceof BundleError) {
    // Commander puts its suggestion on a line of its own.
    const line = error.message
      .replace(/^error: /, "")
      .trim()
      .replaceAll(/\s*\n\s*/g, " ");
    console.error(`${name}: ${line}`);
    return EXIT_BAD_USAGE;
  }
  const missing = missingPackage(error);
  if (missing) {
    console.error(`${name}: needs the package ${missing}, which is not installed. npm install ${missing}`);
    return EXIT_BAD_USAGE;
  }
  console.error(error instanceof DivergedError ? `${name}: ${error.message}` : error);
  return EXIT_FAILED;
}

/** The optional package that an import didn't find; null: it was something else. */
function missingPackage(error: unknown): string | null {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return null;
  return /Cannot find (?:package|module) '((?:@[\w.-]+\/)?[\w-]+)/.exec(message)?.[1] ?? null;
}

/** An option whose values are known, for the help and for completion; what else is given is refused where it is used. */
export function optionOf(flags: string, description: string, values: readonly string[]): Option {
  const option = new Option(flags, description);
  option.argChoices = [...values];
  return option;
}

/** A commander parser for whole numbers. */
export function wholeNumberOption(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`Expected a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}

/** A commander parser for numbers above 0. */
export function positiveNumberOption(text: string): number {
  const value = Number(text);
  if (!(Number.isFinite(value) && value > 0)) throw new InvalidArgumentError("Expected a number above 0.");
  return value;
}

/** A commander parser for options that may be given several times. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
