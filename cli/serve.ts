/** `npm run serve -- models/NAME […] [--port P] [--host H]`: serves bundles in local workerd. */

import { Command } from "commander";
import { runCommand, wholeNumberOption } from "./command.ts";

import { startServer } from "./workerd.ts";

const program = new Command("serve")
  .description("Serves exported models in local workerd. The first one is the default.")
  .argument("<bundle...>", "bundle folders, models/NAME")
  .option("--port <port>", "0: any that is free", wholeNumberOption(0, 65535), 8787)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .action(async (bundles: string[], { port, host }: { port: number; host: string }) => {
    const server = await startServer({ bundles, port, host });
    console.log(
      [
        `Serving ${bundles.join(", ")} at ${server.url}`,
        `  curl "${server.url}/sample?n=16&seed=7" -o samples.png`,
        `  curl -X POST "${server.url}/nearest" -H "content-type: application/json" -d '{"seed": 7, "index": 0}'`,
        "Ctrl-C ends it.",
      ].join("\n"),
    );
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        asked = true;
        void server.close();
      });
    }
    await server.ended;
    if (asked) return;
    await server.close();
    throw new Error("workerd ended by itself");
  });

await runCommand(program);
