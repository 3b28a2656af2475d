/** How every command ends: 0 done, 1 failed, 2 bad usage or unusable input (one clear line), 130 interrupted. */

import { availableParallelism } from "node:os";
import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { BundleError } from "../shared/manifest.ts";
import { DivergedError } from "../trainer/diverged-error.ts";
import { InputError } from "../trainer/input-error.ts";

export const EXIT_FAILED = 1;
export const EXIT_BAD_USAGE = 2;
export const EXIT_INTERRUPTED = 130;

/** Parses the command line and runs the command's action. */
export async function runCommand(program: Command): Promise<void> {
  // Pictures are decoded on Node's thread pool, which has four threads unless it is told before its first use.
  process.env["UV_THREADPOOL_SIZE"] ??= String(Math.max(4, availableParallelism()));
  program.exitOverride().configureOutput({ writeErr: () => {} });
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = statusOf(error, program.name());
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
  console.error(error instanceof DivergedError ? `${name}: ${error.message}` : error);
  return EXIT_FAILED;
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
