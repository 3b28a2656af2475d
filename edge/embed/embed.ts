/** The embed as one module, served as /embed.js: for the page, and for the worker that it starts of the same module. */

import "./without-eval.ts";
import { serveAsWorker } from "./in-worker.ts";

export * from "./page.ts";

serveAsWorker();
