/** Imported before any schema is made: zod then tries `eval`, and a policy that forbids it counts the attempt. */

import { config } from "zod";

config({ jitless: true });
