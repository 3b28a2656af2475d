import { fork } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Sends a request to a script in a process of its own, and gives the one message that it answers with.
 *
 * @throws Error where the process ends without an answer
 */
export async function inProcess<Request, Result>(script: URL, request: Request): Promise<Result> {
  const path = fileURLToPath(script);
  const child = fork(path, { serialization: "advanced" });
  const answer = Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => {
      throw new Error(`The process of ${basename(path)} ended with status ${code}.`);
    }),
  ]);
  child.send(request as object);
  const [result] = await answer;
  return result;
}
