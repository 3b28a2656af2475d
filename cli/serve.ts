/** `npm run serve -- models/NAME […] [--port P] [--host H]`: serves bundles in local workerd. */

import { Command } from "commander";
import { runAsScript, wholeNumberOption } from "./command.ts";
import { type ServingOptions, serveUntilInterrupted } from "./serving.ts";

export const command = new Command("serve")
  .description("Serves exported models in local workerd. The first one is the default.")
  .argument("<bundle...>", "bundle folders, models/NAME")
  .option("--port <port>", "0: any that is free", wholeNumberOption(0, 65535), 8787)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .action((bundles: string[], options: ServingOptions) => serveUntilInterrupted(bundles, options));

await runAsScript(import.meta, command);
