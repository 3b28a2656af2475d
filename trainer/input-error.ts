import { printable } from "../shared/printable.ts";

/**
 * What the user gave can't be used: a flag, a config value, a file. Commands print the message as one line,
 * without a stack trace, and exit with status 2. The message says where, what was expected, what came and
 * what to do next.
 */
export class InputError extends Error {
  override readonly name = "InputError";

  constructor(message: string) {
    super(printable(message));
  }
}
