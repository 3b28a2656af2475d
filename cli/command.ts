/** How every command ends: 0 done, 1 failed, 2 bad usage, with one clear line. */

import { type Command, CommanderError, InvalidArgumentError } from "commander";
import { InputError } from "../trainer/input-error.ts";

export async function runCommand(program: Command): Promise<void> {
  program.exitOverride().configureOutput({ writeErr: () => {} });
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return; // --help
    const isUsage = error instanceof CommanderError || error instanceof InputError;
    const message = (error as Error).message.replace(/^error: /, "");
    console.error(isUsage ? `${program.name()}: ${message}` : error);
    process.exitCode = isUsage ? 2 : 1;
  }
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
