/** What can go wrong on somebody's page; the code for programs, the message for people. */

export type EmbedErrorCode =
  | "unreachable"
  | "missing-model"
  | "not-a-model"
  | "altered"
  | "unsupported-model"
  | "unsupported-browser"
  | "no-webgpu"
  | "insecure-page"
  | "bad-parameter"
  | "disposed";

export class EmbedError extends Error {
  override readonly name = "EmbedError";
  readonly code: EmbedErrorCode;

  /** @param message where, what was expected, what came, what to do next */
  constructor(code: EmbedErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
