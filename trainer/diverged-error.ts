/** Training went wrong by itself; the message says at which step, and what to try. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";
}
