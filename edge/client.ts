/**
 * A typed client of the HTTP interface, by Hono's RPC: its types are those of the routes, and nothing of the server
 * comes with it.
 */

import { type ClientRequestOptions, hc } from "hono/client";
import type { App } from "./app.ts";

/** Worked out once, so that editors need not do it at every use. */
export type Client = ReturnType<typeof hc<App>>;

/**
 * @param url     where the server is, or one of its models: `https://host/models/NAME`
 * @param options say `{ headers: { "x-api-key": … } }`
 */
export function createClient(url: string, options?: ClientRequestOptions): Client {
  return hc<App>(url, options);
}
