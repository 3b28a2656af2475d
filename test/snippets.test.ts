/** The playground's snippets, run as people would run them. */

import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { type Screen, type Snippet, snippetsOf } from "../edge/playground/snippets.ts";
import { complaintsOf, hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { bytesOf, jsonOf } from "./edge-client.ts";
import { GREY, PLANE, writeSmallBundle } from "./small-bundle.ts";

const run = promisify(execFile);
const works = (command: string) =>
  run(command, ["--version"]).then(
    () => true,
    () => false,
  );
const hasCurl = await works("curl");
const hasPython = await works("python3");
const withoutCurl = hasCurl ? "" : " (skipped: no curl)";
const withoutPython = hasPython ? "" : " (skipped: no python3)";

let folder: string;
let server: LocalServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imle-snippets-"));
  const bundles = ["classes", "plane"].map((name) => join(folder, name));
  await writeSmallBundle(bundles[0]!, { name: "classes", output: GREY, conditional: true });
  await writeSmallBundle(bundles[1]!, { name: "plane", output: PLANE });
  server = await startServer({ bundles });
});
afterAll(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Two seeds of a class, and one of their samples compared. */
const screen = (): Screen => ({
  url: server.url,
  kind: "image",
  temperature: 0.5,
  label: "one",
  shown: { view: "samples", seed: 7, batches: 2, batch: 64 },
  example: { seed: 7, index: 3, temperature: 0.5, label: "one" },
});

const textOf = (snippets: readonly Snippet[], language: Snippet["language"], title: string) =>
  snippets.find((snippet) => snippet.language === language && snippet.title === title)!.text;

const pictures = () => Promise.all([7, 8].map(async (seed) => bytesOf(await fetch(pictureUrl(seed)))));
const pictureUrl = (seed: number) =>
  `${server.url}/sample?n=64&seed=${seed}&format=png&label=one&temperature=0.5`;

async function answerOf(example: Screen["example"]) {
  const response = await fetch(`${server.url}/nearest`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(example),
  });
  return jsonOf(response);
}

async function runIn(
  command: string,
  args: readonly string[],
): Promise<{ output: string; files: Uint8Array[] }> {
  const cwd = await mkdtemp(join(folder, "run-"));
  const { stdout } = await run(command, args, { cwd });
  const names = (await readdir(cwd)).sort();
  const files = await Promise.all(names.map(async (name) => new Uint8Array(await readFile(join(cwd, name)))));
  return { output: stdout, files };
}

describe("what is on the screen, as code", () => {
  test.skipIf(!hasCurl)(`curl${withoutCurl}`, async () => {
    const snippets = snippetsOf(screen());
    const { files } = await runIn("sh", ["-c", textOf(snippets, "curl", "These samples")]);
    expect(files).toEqual(await pictures());
    const { output } = await runIn("sh", ["-c", textOf(snippets, "curl", "This comparison")]);
    expect(JSON.parse(output)).toEqual(await answerOf(screen().example));
  });

  test.skipIf(!hasPython)(`Python${withoutPython}`, async () => {
    const snippets = snippetsOf(screen());
    const { files } = await runIn("python3", ["-c", textOf(snippets, "Python", "These samples")]);
    expect(files).toEqual(await pictures());
    const { output } = await runIn("python3", ["-c", textOf(snippets, "Python", "This comparison")]);
    const { verdict, pValue } = await answerOf(screen().example);
    expect(output.trim()).toBe(`${verdict} ${pValue}`);
  });

  test.skipIf(!hasChromium)(`JavaScript and HTML${withoutChromium}`, async () => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      const complaints = complaintsOf(page);
      const said: string[] = [];
      page.on("console", (message) => said.push(message.text()));
      const open = async (body: string) => {
        await page.route("https://example.org/", (route) =>
          route.fulfill({ contentType: "text/html", body: `<!doctype html><title>Page</title>${body}` }),
        );
        await page.goto("https://example.org/");
      };
      const script = (text: string) => `<script type="module">${text}</script>`;
      const snippets = snippetsOf(screen());
      await open(script(textOf(snippets, "JavaScript", "These samples")));
      await expect.poll(() => page.locator("canvas").count()).toBe(128);
      await open(textOf(snippets, "HTML", "These samples"));
      await page.locator("imle-sample button").waitFor();

      const walk = { view: "walk", from: 7, to: 8, steps: 9 } as const;
      await open(script(textOf(snippetsOf({ ...screen(), shown: walk }), "JavaScript", "This walk")));
      await expect.poll(() => page.locator("canvas").count()).toBe(9);

      const points: Screen = {
        ...screen(),
        url: `${server.url}/models/plane`,
        kind: "vector",
        label: undefined,
        example: null,
      };
      await open(script(textOf(snippetsOf(points), "JavaScript", "These samples")));
      await expect.poll(() => said.length).toBe(128);
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  test("the comparison's JavaScript runs in Node", async () => {
    const text = textOf(snippetsOf(screen()), "JavaScript", "This comparison");
    const { output } = await runIn(process.execPath, ["--input-type=module", "-e", text]);
    const { verdict, pValue } = await answerOf(screen().example);
    expect(output.startsWith(`${verdict} ${pValue} [`)).toBe(true);
  });
});
