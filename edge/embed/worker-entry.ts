/** The worker alone. */

import "./without-eval.ts";
import { serveAsWorker } from "./worker.ts";

serveAsWorker();
