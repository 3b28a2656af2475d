/** Imported before any schema is made: zod tries `eval` then, of which pages whose policy forbids it complain. */

import { config } from "zod";

config({ jitless: true });
