/** The worker alone. */

import { serveAsWorker } from "./in-worker.ts";

serveAsWorker();
