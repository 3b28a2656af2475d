/** The least that a Hono Worker does: the peer of `edge/sample-c16`. */

import { Hono } from "hono";

export default new Hono().get("/*", (c) => c.text("hello"));
