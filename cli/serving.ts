/** Serving in the foreground, until Ctrl-C. */

import { startServer } from "./workerd.ts";

export interface ServingOptions {
  readonly port: number;
  readonly host: string;
}

/** What a deployed Worker has as variables and secrets comes from the environment. */
const VARIABLES = ["API_KEYS", "LOG_LEVEL"];

/** Serves the bundles, prints where and how to try them, and returns when it was asked to end. */
export async function serveUntilInterrupted(
  bundles: readonly string[],
  { port, host }: ServingOptions,
): Promise<void> {
  const variables = Object.fromEntries(
    VARIABLES.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const server = await startServer({ bundles, port, host, variables });
  let asked = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      asked = true;
      void server.close();
    });
  }
  // Said last: whoever reads it may press Ctrl-C at once.
  console.log(
    [
      `Serving ${bundles.join(", ")} at ${server.url}`,
      `  curl "${server.url}/sample?n=16&seed=7" -o samples.png`,
      `  curl -X POST "${server.url}/nearest" -H "content-type: application/json" -d '{"seed": 7, "index": 0}'`,
      "Ctrl-C ends it.",
    ].join("\n"),
  );
  await server.ended;
  if (asked) return;
  await server.close();
  throw new Error("workerd ended by itself");
}
