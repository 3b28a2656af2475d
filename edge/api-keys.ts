/** API keys: off unless there are some. */

import type { MiddlewareHandler } from "hono";
import { Problem } from "./problem.ts";
import type { EdgeEnv } from "./services.ts";

interface ApiKey {
  /** Appears in logs and counts for rate limits; the key itself never leaves this file. */
  readonly name: string;
  readonly digest: Uint8Array;
}

/**
 * Lets only those pass who send one of the keys, as `Authorization: Bearer KEY` or `x-api-key: KEY`. OPTIONS passes
 * without, as browsers ask before they send one.
 *
 * @param configuration `name=key`, several separated by commas or white space; keys of at least 16 characters
 * @throws Error if it is anything else: a server that is misconfigured must not be an open one
 */
export function apiKeys(configuration: string): MiddlewareHandler<EdgeEnv> {
  const parsed = parseApiKeys(configuration);
  // Kept once it is there; what is on the way is another request's, and in Workers not to be waited for.
  let keys: readonly ApiKey[] | null = null;
  return async (c, next) => {
    if (c.req.method === "OPTIONS") return next();
    const given =
      c.req.header("x-api-key") ?? /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    keys ??= await Promise.all(parsed.map(async ({ name, key }) => ({ name, digest: await digest(key) })));
    const name = given === undefined ? null : findKey(keys, await digest(given));
    if (name === null) {
      const expected = "expected a key, as authorization: Bearer … or x-api-key: …";
      throw new Problem(
        "unauthorized",
        given === undefined ? expected : `${expected}; this one is not known`,
        {
          "www-authenticate": `Bearer realm="imle-edge"${given === undefined ? "" : ', error="invalid_token"'}`,
        },
      );
    }
    c.set("client", name);
    await next();
    // Caches on the way must not hand it to those who have no key.
    const cacheControl = c.res.headers.get("cache-control");
    if (cacheControl) c.res.headers.set("cache-control", cacheControl.replace(/^public\b/, "private"));
  };
}

function parseApiKeys(configuration: string): { name: string; key: string }[] {
  const entries = configuration.split(/[\s,]+/).filter((entry) => entry !== "");
  const keys = entries.map((entry) => {
    const { name, key } = /^(?<name>[\w.-]{1,64})=(?<key>\S{16,})$/.exec(entry)?.groups ?? {};
    if (!name || !key)
      throw new Error("API_KEYS: expected name=key, name=key, …, keys of at least 16 characters");
    return { name, key };
  });
  if (keys.length === 0)
    throw new Error("API_KEYS: expected name=key, got nothing; leave it out to need no key");
  return keys;
}

/** Digests are compared rather than keys: how long it takes tells nothing of a key, its length included. */
async function digest(key: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key)));
}

/** Looks at every byte of every key, whatever it has found. */
function findKey(keys: readonly ApiKey[], given: Uint8Array): string | null {
  let found: string | null = null;
  for (const { name, digest } of keys) {
    let difference = 0;
    for (let i = 0; i < digest.length; i++) difference |= digest[i]! ^ given[i]!;
    if (difference === 0) found = name;
  }
  return found;
}
