/** Every command and every snippet of the documentation runs; training and evaluation are cut short. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWorkplace, type Workplace } from "../docs-workplace.ts";
import { pages, root, type Snippet, snippetsOf, titleOf } from "../snippets.ts";

const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
const noBrowser = existsSync(chromiumPath) ? null : `no ${chromiumPath}; set CHROMIUM_PATH`;

/** Run by package.test.ts, on the installed package. */
const OF_THE_PACKAGE = ["js node", "js browser", "js hono", "js worker"];
const IN_A_BROWSER = ["html", "js page", "js tfjs"];

// Models are trained before they are measured.
const order = ["README.md", "docs/train.md"];
const snippets = pages()
  .sort((a, b) => order.indexOf(b) - order.indexOf(a))
  .flatMap(snippetsOf);

let workplace: Workplace;
beforeAll(async () => {
  workplace = await createWorkplace();
});
afterAll(() => workplace?.close());

test("every snippet is of a kind that is run, or says why it isn't", () => {
  const known = ["sh", ...IN_A_BROWSER, ...OF_THE_PACKAGE];
  const unknown = snippets.filter(({ kind, notRun }) => notRun === null && !known.includes(kind));
  expect(unknown.map(({ name, kind }) => `${name} (${kind})`)).toEqual([]);
});

describe("commands", () => {
  for (const snippet of snippets.filter(({ kind }) => kind === "sh")) {
    test.skipIf(snippet.notRun !== null)(titleOf(snippet), async () => {
      await workplace.run(snippet.text);
    });
  }
});

describe("in a browser", () => {
  let browser: Browser;
  let site: Server;
  let content = "";
  beforeAll(async () => {
    if (noBrowser) return;
    const tfjs = await readFile(join(root, "node_modules/@tensorflow/tfjs/dist/tf.min.js"));
    site = createServer(({ url }, response) => {
      if (url === "/tf.js") response.setHeader("content-type", "text/javascript").end(tfjs);
      else response.setHeader("content-type", "text/html; charset=utf-8").end(content);
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    browser = await chromium.launch({
      executablePath: chromiumPath,
      args: ["--headless", "--no-sandbox", "--disable-background-networking"],
    });
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  for (const snippet of snippets.filter(({ kind }) => IN_A_BROWSER.includes(kind))) {
    const reason = snippet.notRun ?? noBrowser;
    test.skipIf(reason !== null)(titleOf(snippet, reason), async () => {
      content = pageOf(snippet, workplace.located(snippet.text));
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (line) => line.type() === "error" && complaints.push(line.text()));
      await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
      await page
        .waitForFunction('document.title !== ""')
        .catch((error: Error) => complaints.push(error.message));
      expect(complaints).toEqual([]);
      expect(await page.title()).toBe("done");
      await page.close();
    });
  }
});

/** A page that is titled "done" once the snippet has run, or the tag has drawn. */
function pageOf({ kind }: Snippet, text: string): string {
  const start = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title></title><body>';
  const done = 'document.title = "done";';
  if (kind === "html") {
    const told = ["sample", "error"].map(
      (event) =>
        `addEventListener("${event}", () => { document.title = "${event === "sample" ? "done" : event}"; })`,
    );
    return `${start}${text}<script>const tag = document.querySelector("imle-sample"); tag.${told.join("; tag.")};</script>`;
  }
  const library = kind === "js tfjs" ? '<script src="/tf.js"></script>' : "";
  return `${start}${library}<script type="module">${text}\n${done}</script>`;
}
