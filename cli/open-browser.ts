import { spawn } from "node:child_process";

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"],
};

/** Opens the address where there is a browser to open it, and none is asked for by `BROWSER=none`; otherwise nothing. */
export function openBrowser(url: string): void {
  const { BROWSER, DISPLAY, WAYLAND_DISPLAY } = process.env;
  const [program, ...args] = OPENERS[process.platform] ?? [];
  const isBlind = process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY;
  if (!program || isBlind || BROWSER === "none") return;
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => {}); // none is installed
  child.unref();
}
