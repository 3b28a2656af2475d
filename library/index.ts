/** `imle-edge`: a client of a server's routes, and generators that run on the page itself. Nothing of the trainer. */

export { type Client, createClient } from "../edge/client.ts";
export * from "../edge/embed/page.ts";
