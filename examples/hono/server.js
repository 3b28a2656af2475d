// An app of one's own that has a generator under /imle: node server.js models/glyphs
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createEdge, folderStorage } from "imle-edge/edge";

const storage = await folderStorage(process.argv.slice(2));
const app = new Hono();
app.get("/", (c) => c.html('<h1>My app</h1><img alt="Samples" src="/imle/sample?n=16&seed=7">'));
app.mount("/imle", createEdge({ storage, basePath: "/imle" }));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}/`);
});
