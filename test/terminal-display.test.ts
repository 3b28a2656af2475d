import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { encodePng } from "../shared/png.ts";
import { createHistory, sparkline } from "../trainer/run/sparkline.ts";
import { terminalPicture } from "../trainer/run/terminal-picture.ts";
import { pointsTraining } from "./small-runs.ts";

describe("a sparkline", () => {
  test("goes from the lowest block to the highest", () => {
    expect(sparkline([-4, -3, -2, -1, 0, 1, 2, 3])).toBe("▁▂▃▄▅▆▇█");
    expect(sparkline([3, 3])).toBe("▁▁");
  });
  test("is logarithmic where all values are positive", () => {
    expect(sparkline([1, 10, 100, 1000, 1e4, 1e5, 1e6, 1e7])).toBe("▁▂▃▄▅▆▇█");
  });
});

test("a history of any length fits in its size, as means of equally many values each", () => {
  const history = createHistory(8);
  for (let i = 0; i < 1000; i++) {
    history.add(i);
    expect(history.values().length).toBeLessThan(8);
  }
  const each = 1000 / history.values().length;
  const [first, second] = history.values();
  expect(second! - first!).toBeGreaterThan(each / 2);
  // The mean of the first k numbers is (k − 1) / 2.
  expect(2 * first! + 1).toBe(second! - first!);
});

describe("a picture in the terminal", () => {
  afterEach(() => vi.unstubAllEnvs());
  const [width, height] = [37, 20];
  const data = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => [0, 51, 102, 153, 204, 255][(i * i) % 6]!,
  );
  const png = encodePng({ width, height, channels: 3, data });

  test("kitty: the PNG in chunks of at most 4,096 characters", () => {
    const large = encodePng({
      width: 100,
      height: 100,
      channels: 1,
      data: Uint8Array.from({ length: 10_000 }, (_, i) => (i * i * 7919) >> 5),
    });
    const commands = readable(terminalPicture(large, "kitty")).split("␛\\").slice(0, -1);
    expect(commands.length).toBeGreaterThan(1);
    const chunks = commands.map((command) => /^␛_G([^;]*);(.*)$/.exec(command)!.slice(1));
    expect(chunks.map(([keys]) => keys!.slice(-3))).toEqual([...chunks.slice(1).map(() => "m=1"), "m=0"]);
    for (const [, text] of chunks) expect(text!.length).toBeLessThanOrEqual(4096);
    expect(new Uint8Array(Buffer.from(chunks.map(([, text]) => text).join(""), "base64"))).toEqual(large);
  });

  test("iTerm2: the PNG as it is", () => {
    vi.stubEnv("TERM_PROGRAM", "WezTerm");
    vi.stubEnv("TERM_PROGRAM_VERSION", "20230408-112425");
    expect(terminalPicture(png, "iterm2")).toContain(Buffer.from(png).toString("base64"));
  });

  test("sixel: every pixel in its colour", () => {
    expect(Array.from(drawSixels(terminalPicture(png, "sixel"), width, height))).toEqual(Array.from(data));
  });

  test("nowhere else", () => {
    expect(terminalPicture(png, null)).toBe("");
    expect(terminalPicture(png)).toBe(""); // a test's output is no terminal
  });
});

/** With a sign for the escape character. */
const readable = (text: string) => text.replaceAll("\x1b", "␛");

/** What a terminal draws: [height, width, 3] bytes. */
function drawSixels(text: string, width: number, height: number): Uint8Array {
  const body = /^␛Pq"1;1;(\d+);(\d+)(.*)␛\\$/s.exec(readable(text))!;
  expect([Number(body[1]), Number(body[2])]).toEqual([width, height]);
  const pixels = new Uint8Array(width * height * 3);
  const palette = new Map<string, number[]>();
  let [x, top, colour] = [0, 0, ""];
  for (const [, defined, rgb, chosen, repeat, sixel, move] of body[3]!.matchAll(
    /#(\d+);2;([\d;]+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])/g,
  )) {
    if (defined)
      palette.set(
        defined,
        rgb!.split(";").map((percent) => Math.round(Number(percent) * 2.55)),
      );
    if (chosen) colour = chosen;
    if (move) [x, top] = [0, move === "-" ? top + 6 : top];
    for (let n = sixel ? Number(repeat ?? 1) : 0; n > 0; n--, x++) {
      for (let y = 0; y < 6; y++) {
        if (((sixel!.charCodeAt(0) - 63) >> y) & 1)
          pixels.set(palette.get(colour)!, ((top + y) * width + x) * 3);
      }
    }
  }
  return pixels;
}

const hasScript = spawnSync("script", ["--version"]).status === 0;

describe.skipIf(!hasScript)(`on a terminal${hasScript ? "" : " (skipped: no util-linux script)"}`, () => {
  const cwd = mkdtempSync(join(tmpdir(), "imle-terminal-"));
  afterAll(() => rmSync(cwd, { recursive: true }));
  const train = fileURLToPath(new URL("../cli/train.ts", import.meta.url));

  /** All that a training writes to a terminal of 140 columns that says it is kitty; pictures are cut short. */
  function written(env: Readonly<Record<string, string>>): string {
    const words = [process.execPath, train, ...pointsTraining(cwd), "--steps", "300"];
    const command = `stty rows 40 cols 140; ${words.map((word) => `'${word}'`).join(" ")}`;
    // Somebody's terminal, whatever the tests run in: no colours where there is CI.
    const { NO_COLOR: _, FORCE_COLOR: __, NODE_DISABLE_COLORS: ___, CI: ____, ...others } = process.env;
    const text = execFileSync("script", ["-qec", command, "/dev/null"], {
      cwd,
      env: { ...others, TERM: "xterm-kitty", ...env },
      encoding: "utf8",
      maxBuffer: 1e8,
    });
    return readable(text).replaceAll(/(␛_G[^;]*;)[^␛]*␛\\/g, "$1");
  }

  test("shows curves of loss and match distance, and the samples of every look", () => {
    const text = written({});
    expect(text).toMatch(/[█░]{24} +\d+ % · step \d+\/300 · loss [\d.e-]+ · \d+ samples\/s · .* left/);
    expect(text).toMatch(/ loss [\d.e-]+ ␛\[36m[▁▂▃▄▅▆▇█]{2,48}␛\[39m/);
    expect(text).toMatch(/match distance [\d.e-]+ ␛\[36m[▁▂▃▄▅▆▇█]{2,48}␛\[39m/);
    expect(text.match(/samples at step \d+\r?\n␛_Ga=T/g)?.length).toBe(13);
  });

  test("NO_COLOR: neither colours nor pictures", () => {
    const text = written({ NO_COLOR: "1" });
    expect(text).toMatch(/ loss [\d.e-]+ [▁▂▃▄▅▆▇█]{2,48} /);
    expect(text).not.toContain("␛_G");
    expect(text).not.toContain("␛[36m");
  });
});
