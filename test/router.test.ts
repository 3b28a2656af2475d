import { expect, test } from "vitest";
import { createApp } from "../edge/app.ts";

test("every route's path is one that Hono's fast router takes", async () => {
  // One that it doesn't take makes Hono walk a tree at every request instead, which costs more than drawing latents.
  const app = createApp({
    storage: { refreshMs: null },
  } as Parameters<typeof createApp>[0]);
  await app.request("/docs");
  expect(app.router.name).toBe("SmartRouter + RegExpRouter");
});
