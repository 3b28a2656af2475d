/** `npm start`: trains the default model, if it isn't there yet, and serves it. */

import { access } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import { resolveConfig } from "../trainer/config.ts";
import { runAsScript, wholeNumberOption } from "./command.ts";
import { type ServingOptions, serveUntilInterrupted } from "./serving.ts";
import { runTraining } from "./training.ts";

const DEFAULT_MODEL = "glyphs";

export const command = new Command("start")
  .description("Trains the default model, if it isn't there yet, and serves it in local workerd.")
  .option("--port <port>", "0: any that is free", wholeNumberOption(0, 65535), 8787)
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .action(async (options: ServingOptions) => {
    const bundle = join("models", DEFAULT_MODEL);
    const isThere = await access(join(bundle, "manifest.json")).then(
      () => true,
      () => false,
    );
    if (!isThere) {
      console.log(`Training the default model, ${DEFAULT_MODEL}. This takes about a minute.`);
      const { interrupted } = await runTraining({ config: resolveConfig(DEFAULT_MODEL) }, bundle, {
        json: false,
      });
      if (interrupted) return;
    }
    await serveUntilInterrupted([bundle], options);
  });

await runAsScript(import.meta, command);
