/** Pictures in the text that goes to a terminal, in the protocol that it knows. */

import { decode } from "fast-png";
import supportsTerminalGraphics from "supports-terminal-graphics";
import termImg from "term-img";
import { sixels } from "./sixel.ts";

/** A kitty command holds at most so much of a picture. */
const KITTY_CHUNK = 4096;

/**
 * The escape sequence that draws a PNG where the cursor is; empty where the terminal draws none, as one that isn't
 * there, or with `NO_COLOR`.
 */
export function terminalPicture(png: Uint8Array, protocol = terminalProtocol()): string {
  return protocol === null ? "" : PROTOCOLS[protocol](png);
}

export type PictureProtocol = "kitty" | "iterm2" | "sixel";

/** What standard output's terminal knows, the sharpest first; null: nothing. */
export function terminalProtocol(): PictureProtocol | null {
  if (!process.stdout.isTTY || process.env["NO_COLOR"]) return null;
  const { stdout } = supportsTerminalGraphics;
  return (["kitty", "iterm2", "sixel"] as const).find((protocol) => stdout[protocol]) ?? null;
}

const PROTOCOLS: Readonly<Record<PictureProtocol, (png: Uint8Array) => string>> = {
  kitty,
  iterm2: (png) => termImg(png, { fallback: () => "" }),
  sixel: (png) => sixels(decode(png)),
};

/** Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/ */
function kitty(png: Uint8Array): string {
  const base64 = Buffer.from(png).toString("base64");
  let text = "";
  for (let at = 0; at < base64.length; at += KITTY_CHUNK) {
    // a=T: draw at once; f=100: PNG; q=2: no answer; m=1: more follows.
    const first = at === 0 ? "a=T,f=100,q=2," : "";
    const more = at + KITTY_CHUNK < base64.length ? 1 : 0;
    text += `\x1b_G${first}m=${more};${base64.slice(at, at + KITTY_CHUNK)}\x1b\\`;
  }
  return text;
}
