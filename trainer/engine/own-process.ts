/** What may crash or hang, because it loads a GPU's driver, in a process of its own. */

import { fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

export interface Question {
  /** A module that calls `answer` once. */
  readonly script: URL;
  readonly arguments?: readonly string[];
  readonly timeLimitMs: number;
}

/**
 * A module beside another one, both TypeScript or both compiled.
 *
 * @param path without its ending, say `./webgpu-probe`
 */
export function moduleBeside({ url }: ImportMeta, path: string): URL {
  return new URL(path + extname(url), url);
}

/**
 * Runs the script and waits for its answer.
 *
 * @throws Error saying in a few words that it crashed or kept silent
 */
export function askOwnProcess<Answer>({
  script,
  arguments: args = [],
  timeLimitMs,
}: Question): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(script), args, {
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
      child.kill("SIGKILL"); // some drivers hang at exit
    };
    const fail = (reason: string) => settle(() => reject(new Error(reason)));
    const timer = setTimeout(() => fail(`its driver didn't answer in ${timeLimitMs / 1000} s`), timeLimitMs);
    child.once("message", (answer) => settle(() => resolve(answer as Answer)));
    child.once("error", (error) => fail(`it can't be started (${error.message})`));
    child.once("exit", (code, signal) => fail(`its driver crashed (${signal ?? `exit status ${code}`})`));
  });
}

/** In the script: tells the process that asked, which then ends this one. */
export function answer(found: NonNullable<unknown>): void {
  // Staying until then: a message that is on its way when its process ends may be lost.
  process.once("disconnect", () => process.exit());
  process.send!(found);
}
