/** The playground in a real browser, used as people do. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { AxeBuilder } from "@axe-core/playwright";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type LocalServer, startServer } from "../cli/workerd.ts";
import { complaintsOf, hasChromium, launchChromium, withoutChromium } from "./browser.ts";
import { type EdgeClient, greyPng, jsonOf, startEdge } from "./edge-client.ts";
import { GREY, writeSmallBundle } from "./small-bundle.ts";

const LIMIT_BYTES = 150 * 1024;

let edge: EdgeClient;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());

describe("GET /", () => {
  test("a model's address without its last slash leads there", async () => {
    const { status, headers } = await edge.get("/models/grey?seed=7", {
      headers: { accept: "text/html" },
      redirect: "manual",
    });
    expect([status, headers.get("location")]).toEqual([308, "grey/?seed=7"]);
  });

  test("a model that isn't there: a page for people, a problem for programs", async () => {
    const forPeople = await edge.get("/models/none/", { headers: { accept: "text/html,*/*" } });
    expect(forPeople.status).toBe(404);
    expect(forPeople.headers.get("content-type")).toContain("text/html");
    const forPrograms = await edge.get("/models/none/");
    expect(forPrograms.status).toBe(404);
    expect(forPrograms.headers.get("content-type")).toBe("application/problem+json");
  });
});

describe.skipIf(!hasChromium)(`the playground in Chromium${withoutChromium}`, () => {
  let folder: string;
  /** A conditional model. */
  let classes: LocalServer;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imle-playground-"));
    const bundle = join(folder, "classes");
    await writeSmallBundle(bundle, { name: "classes", output: GREY, conditional: true });
    classes = await startServer({ bundles: [bundle] });
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await classes?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const openPage = async (options: BrowserContextOptions = {}) => {
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    page = await context.newPage();
    complaints = complaintsOf(page);
  };
  beforeEach(() => openPage());
  afterEach(() => context.close());

  const samples = () => page.locator("#samples .sample, #samples .point");
  const verdict = () => page.locator("#detail .verdict");
  const drawnBy = (what: string) => page.locator("#drawn", { hasText: what }).waitFor();
  const ready = () => page.locator('#samples[aria-busy="false"]').waitFor({ state: "attached" });
  const address = () => new URL(page.url());

  /** The grey values that a canvas shows. */
  const shown = (canvas: Locator): Promise<number[]> =>
    // biome-ignore lint/suspicious/noExplicitAny: runs in the browser, whose types tests don't have
    canvas.evaluate((element: any) => {
      const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
      return Array.from(data as Uint8ClampedArray).filter((_, i) => i % 4 === 0);
    });

  const served = async (url: string, query: string): Promise<number[][]> => {
    const answer = await jsonOf(await fetch(`${url}/sample?format=json&n=64&${query}`));
    // biome-ignore lint/suspicious/noExplicitAny: JSON
    return answer.samples.map(({ pixels, vector }: any) => pixels ?? vector);
  };

  const setRange = (range: Locator, value: number) =>
    range.evaluate((input: { value: string } & EventTarget, value) => {
      input.value = String(value);
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, value);

  test("weighs at most 150 KiB, gzipped and without the model, the wall full", async () => {
    const weights = new Map<string, Promise<number>>();
    page.on("response", (response) => {
      const isModel = /\.bin\b/.test(response.url());
      if (response.status() === 200 && !isModel && !weights.has(response.url())) {
        weights.set(
          response.url(),
          response.body().then((body) => gzipSync(body).byteLength),
        );
      }
    });
    // However slow this machine is, the wall waits for the browser's generator.
    await page.addInitScript(() => {
      const { setTimeout } = globalThis;
      const patient = (run: () => void, ms?: number) => setTimeout(run, ms === 2000 ? 60_000 : ms);
      Object.assign(globalThis, { setTimeout: patient });
    });
    await page.goto(`${edge.url}/?seed=7`);
    await expect.poll(() => samples().count()).toBeGreaterThan(128);
    expect([...weights.keys()]).toContain(`${edge.url}/embed.js`);
    const bytes = (await Promise.all(weights.values())).reduce((sum, each) => sum + each, 0);
    expect(bytes).toBeLessThanOrEqual(LIMIT_BYTES);
  });

  describe("samples", () => {
    test("are the server's, whether it draws them or the browser", async () => {
      await page.goto(`${edge.url}/?seed=7`);
      await drawnBy("the server");
      expect(await shown(samples().nth(10).locator("canvas"))).toEqual(
        (await served(edge.url, "seed=7"))[10],
      );
      await page.waitForFunction(
        () => performance.getEntriesByName(`${location.origin}/embed.js`).length > 0,
      );
      await expect
        .poll(async () => {
          await page.click("#new-seed");
          await ready();
          return page.locator("#drawn").textContent();
        })
        .toContain("this browser");
      await page.fill("#seed", "8");
      await page.keyboard.press("Enter");
      const expected = (await served(edge.url, "seed=8"))[63];
      await expect.poll(() => shown(samples().nth(63).locator("canvas"))).toEqual(expected);
      expect(complaints).toEqual([]);
    });

    test("grow as one scrolls, by the next seeds", async () => {
      await page.setViewportSize({ width: 320, height: 500 });
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      const before = await samples().count();
      await samples().last().scrollIntoViewIfNeeded();
      await expect.poll(() => samples().count()).toBeGreaterThan(before);
      expect(await shown(samples().nth(64).locator("canvas"))).toEqual((await served(edge.url, "seed=8"))[0]);
    });

    test("a seed is a link, and a step that one can go back", async () => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      await page.click("#new-seed");
      const seed = await page.inputValue("#seed");
      expect(seed).not.toBe("7");
      expect(address().searchParams.get("seed")).toBe(seed);
      await page.click("#link");
      await page.getByRole("button", { name: "Copied" }).waitFor();
      // biome-ignore lint/suspicious/noExplicitAny: the browser's navigator
      expect(await page.evaluate(() => (navigator as any).clipboard.readText())).toBe(page.url());
      await page.goBack();
      await expect.poll(() => page.inputValue("#seed")).toBe("7");
      const [first] = await served(edge.url, "seed=7");
      await expect.poll(() => shown(samples().first().locator("canvas"))).toEqual(first);
      expect(complaints).toEqual([]);
    });

    test("of a class and a temperature, as the link says", async () => {
      await page.goto(`${classes.url}/?seed=5`);
      await ready();
      await page.selectOption("#label", "one");
      await setRange(page.locator("#temperature"), 0.5);
      const [first] = await served(classes.url, "seed=5&label=one&temperature=0.5");
      await expect.poll(() => shown(samples().first().locator("canvas"))).toEqual(first);
      expect(await samples().first().getAttribute("aria-label")).toBe("Sample 1, one");
      await samples().nth(2).click();
      await verdict().waitFor();
      await expect.poll(() => address().search).toBe("?seed=5&temperature=0.5&label=one&sample=2");
      await page.reload();
      await verdict().waitFor();
      expect(await page.locator("#detail-title").textContent()).toBe("Sample 3 of seed 5");
      expect(await page.inputValue("#label")).toBe("one");
      expect(await page.locator("#temperature-value").textContent()).toBe("0.50");
      expect(complaints).toEqual([]);
    });
  });

  describe("a comparison", () => {
    test("shows neighbours side by side, the difference, the verdict and where it falls", async () => {
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      await samples().nth(3).click();
      await verdict().waitFor();
      const answer = await jsonOf(await edge.postJson("/nearest", { seed: 7, index: 3 }));
      const words = { copy: "A copy", close: "Close to one", novel: "Novel" };
      expect(await verdict().textContent()).toBe(words[answer.verdict as keyof typeof words]);
      expect(await page.locator("#note").textContent()).toBe(answer.note);
      expect(await page.getByRole("img", { name: /^Where it falls among 199 real/ }).count()).toBe(1);

      const neighbours = page.locator(".neighbours button");
      expect(await neighbours.count()).toBe(5);
      const compared = page.locator(".compared canvas");
      expect(await shown(compared.first())).toEqual((await served(edge.url, "seed=7"))[3]);
      for (const i of [0, 2]) {
        await neighbours.nth(i).click();
        const row = Array.from(await edge.trainingRow(answer.neighbours[i].index));
        await expect.poll(() => shown(compared.nth(1))).toEqual(row);
      }
      expect(await neighbours.nth(2).getAttribute("aria-pressed")).toBe("true");
      expect(new Set(await shown(compared.nth(2))).size).toBeGreaterThan(1);

      await page.keyboard.press("Escape");
      expect(await verdict().count()).toBe(0);
      expect(await samples().nth(3).getAttribute("aria-pressed")).toBe("false");
      expect(complaints).toEqual([]);
    });

    test.each([
      { width: 1280, stays: 1 },
      { width: 390, stays: 0 },
    ])("stays beside another view only where there is room: $width pixels", async ({ width, stays }) => {
      await openPage({ viewport: { width, height: 844 } });
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      await samples().nth(3).click();
      await verdict().waitFor();
      await page.getByRole("link", { name: "Walk", exact: true }).click();
      expect(await verdict().count()).toBe(stays);
      expect(complaints).toEqual([]);
    });

    test("a model without training examples says so, and draws", async () => {
      await page.goto(`${edge.url}/models/bare/?seed=7`);
      await ready();
      await samples().first().click();
      expect(await page.locator("#detail-body").textContent()).toContain("without its training examples");
      await page.click("text=Your own");
      expect(await page.locator("#check-none").textContent()).toContain("without its training examples");
      expect(await page.locator("#pad").isVisible()).toBe(false);
      expect(complaints).toEqual([]);
    });
  });

  describe("a walk", () => {
    const stage = () => page.locator("#walk-stage canvas");
    const at = async () => Number(await page.inputValue("#walk-at"));
    const walking = () => page.locator('#walk-stage[aria-busy="false"]').waitFor();

    test("goes from one seed's first sample to another's, by keys, mouse and finger", async () => {
      await context.close();
      await openPage({ hasTouch: true });
      await page.goto(`${edge.url}/?from=7&to=8&at=0#walk`);
      await walking();
      const [[from], [to]] = await Promise.all([served(edge.url, "seed=7"), served(edge.url, "seed=8")]);
      expect(await shown(stage())).toEqual(from);
      await page.locator("#walk-at").focus();
      await page.keyboard.press("ArrowRight");
      expect(await at()).toBe(1);
      await page.keyboard.press("End");
      expect(await shown(stage())).toEqual(to);
      await expect.poll(() => address().searchParams.get("at")).toBe("1");

      const { x, y, width, height } = (await page.locator("#walk-stage").boundingBox())!;
      const middle = y + height / 2;
      await page.mouse.move(x + width - 1, middle);
      await page.mouse.down();
      await page.mouse.move(x + width / 2, middle, { steps: 4 });
      await page.mouse.up();
      const dragged = await at();
      expect(dragged).toBeGreaterThan(25);
      expect(dragged).toBeLessThan(40);

      const session = await context.newCDPSession(page);
      const touch = (type: "touchStart" | "touchMove" | "touchEnd", touches: readonly number[]) =>
        session.send("Input.dispatchTouchEvent", {
          type,
          touchPoints: touches.map((share) => ({ x: x + share * width, y: middle })),
        });
      await touch("touchStart", [0.5]);
      for (const share of [0.45, 0.35, 0.25]) await touch("touchMove", [share]);
      await touch("touchEnd", []);
      await expect.poll(at).toBeLessThan(dragged);

      await page.click("#walk-on");
      await expect.poll(() => page.inputValue("#walk-from")).toBe("8");
      await expect.poll(() => shown(stage())).toEqual(to);
      expect(complaints).toEqual([]);
    });

    test("any step of it can be compared", async () => {
      await page.goto(`${edge.url}/?from=7&to=8&at=0.5#walk`);
      await walking();
      await page.click("#walk-check");
      await verdict().waitFor();
      expect(await page.locator("#detail-title").textContent()).toBe("50 % of the way from seed 7 to 8");
      expect(await shown(page.locator(".compared canvas").first())).toEqual(await shown(stage()));
    });
  });

  describe("a picture of one's own", () => {
    const file = () => page.locator("#check-file");
    const problem = () => page.locator("#check-problem");
    const training = async (index: number) => Buffer.from(greyPng(await edge.trainingRow(index)));
    const open = async () => {
      await page.goto(`${edge.url}/?seed=7#check`);
      await ready();
    };

    test("a training example, chosen as a file, is a copy of itself", async () => {
      await open();
      await file().setInputFiles({ name: "mine.png", mimeType: "image/png", buffer: await training(5) });
      await verdict().waitFor();
      expect(await verdict().textContent()).toBe("A copy");
      expect(await page.locator(".compared figcaption").nth(1).textContent()).toContain("#5");
      expect(await page.locator("#check-said").textContent()).toBe("mine.png, 28 × 28.");
      expect(complaints).toEqual([]);
    });

    test.each(["drop", "paste"])("%s, anywhere on the page", async (way) => {
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      await page.evaluate(
        ([way, bytes]) => {
          const file = new File([new Uint8Array(bytes as number[])], "mine.png", { type: "image/png" });
          // biome-ignore lint/suspicious/noExplicitAny: the browser's constructors
          const { DataTransfer, DragEvent, ClipboardEvent, document } = globalThis as any;
          const data = new DataTransfer();
          data.items.add(file);
          const options = { bubbles: true, cancelable: true };
          document.body.dispatchEvent(
            way === "drop"
              ? new DragEvent("drop", { ...options, dataTransfer: data })
              : new ClipboardEvent("paste", { ...options, clipboardData: data }),
          );
        },
        [way, Array.from(await training(5))] as const,
      );
      await verdict().waitFor();
      expect(await verdict().textContent()).toBe("A copy");
      expect(address().hash).toBe("#check");
      expect(complaints).toEqual([]);
    });

    test("a photo of 20 megapixels is made small here, and can be inverted", async () => {
      const { width, height } = { width: 5472, height: 3648 };
      const photo = await sharp({ create: { width, height, channels: 3, background: "#ddd" } })
        .composite([{ input: { create: { width: 900, height: 900, channels: 3, background: "#222" } } }])
        .jpeg()
        .toBuffer();
      await open();
      await file().setInputFiles({ name: "photo.jpg", mimeType: "image/jpeg", buffer: photo });
      await verdict().waitFor();
      expect(await page.locator("#check-said").textContent()).toMatch(
        /^photo.jpg, 5,472 × 3,648 \(20.0 megapixels\): its middle, made 28 × 28 in this browser/,
      );
      const before = await shown(page.locator("#check-preview"));
      // A dark square in the middle of a light ground, 900 of 3,648 wide.
      expect(Math.abs(before[14 * 28 + 14]! - 0x22)).toBeLessThan(4);
      expect(Math.abs(before[0]! - 0xdd)).toBeLessThan(4);
      await page.check("#check-invert");
      expect(await shown(page.locator("#check-preview"))).toEqual(before.map((value) => 255 - value));
      expect(complaints).toEqual([]);
    });

    test("what is no picture is said to be none", async () => {
      await open();
      const text = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("Not a picture") };
      await file().setInputFiles(text);
      await problem().waitFor();
      expect(await problem().textContent()).toMatch(/^notes.txt is no picture \(text\/plain\)/);
      await file().setInputFiles({
        name: "cut.png",
        mimeType: "image/png",
        buffer: Buffer.from([0x89, 0x50]),
      });
      await expect.poll(() => problem().textContent()).toMatch(/^cut.png can't be read as a picture/);
      await file().setInputFiles({ name: "mine.png", mimeType: "image/png", buffer: await training(5) });
      await verdict().waitFor();
      expect(await problem().isVisible()).toBe(false);
    });

    test("is drawn by mouse, or by keys", async () => {
      await open();
      const { x, y } = (await page.locator("#pad").boundingBox())!;
      await page.mouse.move(x + 60, y + 60);
      await page.mouse.down();
      await page.mouse.move(x + 160, y + 160, { steps: 5 });
      await page.mouse.up();
      await verdict().waitFor();
      const byMouse = await shown(page.locator("#check-preview"));
      expect(new Set(byMouse).size).toBeGreaterThan(2);
      await page.click("#pad-clear");
      await page.locator("#pad").focus();
      for (const key of ["ArrowUp", "Space", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Space"]) {
        await page.keyboard.press(key);
      }
      await expect.poll(() => shown(page.locator("#check-preview"))).not.toEqual(byMouse);
      expect(complaints).toEqual([]);
    });
  });

  describe("vectors", () => {
    test("are points, with their neighbours, more of them, walks, and points of one's own", async () => {
      await page.goto(edge.url);
      await page.locator("#models option").first().waitFor({ state: "attached" });
      await page.selectOption("#models", "plane");
      await page.waitForURL(/\/models\/plane\//);
      await ready();
      expect(await samples().count()).toBe(64);
      await page.click("#more");
      await expect.poll(() => samples().count()).toBe(128);
      await samples().nth(5).focus();
      await page.keyboard.press("Enter");
      await verdict().waitFor();
      expect(await page.locator(".training circle").count()).toBe(5);

      await page.click("text=Walk");
      await page.locator('#walk-stage[aria-busy="false"]').waitFor();
      expect(await page.locator("#walk-stage circle").count()).toBe(65);

      await page.click("text=Your own");
      await page.fill("#check-vector", "1, two");
      await page.keyboard.press("Enter");
      expect(await page.locator("#check-problem").textContent()).toBe(
        "Expected 2 numbers, separated by commas.",
      );
      await page.fill("#check-vector", "1, -0.5");
      await page.keyboard.press("Enter");
      await expect.poll(() => page.locator("#detail-title").textContent()).toBe("(1, -0.5)");
      await verdict().waitFor();
      expect(complaints).toEqual([]);
    });
  });

  describe("beside the samples", () => {
    test("the model card tells what the manifest does, and what the verdict is not", async () => {
      await page.goto(`${edge.url}/#model`);
      const cards = page.locator("#model-cards");
      await cards.locator("section").first().waitFor();
      const text = await cards.textContent();
      for (const told of ["images, 28 × 28, grey", "noise", edge.grey.version, "no guarantee of privacy"]) {
        expect(text).toContain(told);
      }
    });

    test("what is on the screen is code that one copies", async () => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await page.goto(`${edge.url}/?seed=7&sample=3`);
      await verdict().waitFor();
      await page.click("#code");
      for (const language of ["curl", "JavaScript", "Python", "HTML"]) {
        await page.locator("#code-languages").getByRole("button", { name: language }).click();
        expect(await page.locator("#code-body pre").first().textContent()).toContain(edge.url);
      }
      await page.locator("#code-languages").getByRole("button", { name: "Python" }).click();
      await page.locator("#code-body .copy").last().click();
      // biome-ignore lint/suspicious/noExplicitAny: the browser's navigator
      const copied = await page.evaluate(() => (navigator as any).clipboard.readText());
      expect(copied).toContain('json.dumps({"seed":7,"index":3,"temperature":1})');
      await page.keyboard.press("Escape");
      expect(await page.locator("#code-dialog").isVisible()).toBe(false);
      expect(complaints).toEqual([]);
    });
  });

  describe("what goes wrong", () => {
    test("a seed that is none, and back", async () => {
      await page.goto(`${edge.url}/?seed=seven`);
      await page.locator("#error").waitFor();
      expect(await page.locator("#error").textContent()).toContain("whole number");
      await page.fill("#seed", "8");
      await page.keyboard.press("Enter");
      await page.locator("#error").waitFor({ state: "hidden" });
      expect(await samples().count()).toBeGreaterThan(0);
    });

    test("a model that isn't there", async () => {
      await page.goto(`${edge.url}/models/none/`);
      await page.getByRole("alert").filter({ hasText: "none" }).waitFor();
      await page.getByRole("link", { name: "upsampled" }).click();
      await ready();
      expect(await page.locator("#title").textContent()).toBe("upsampled");
    });

    test("a server that is gone: this browser draws on, and comparisons can be tried again", async () => {
      const server = await startServer({ bundles: [join(edge.folder, "grey")] });
      await page.goto(`${server.url}/?from=7&to=8#walk`);
      await page.locator('#walk-stage[aria-busy="false"]').waitFor();
      await server.close();
      await page.click("text=Samples");
      await page.fill("#seed", "9");
      await page.keyboard.press("Enter");
      await drawnBy("this browser");
      await samples().first().click();
      const problem = page.locator("#detail .problem");
      await problem.waitFor();
      expect(await problem.textContent()).toBe("The server can't be reached.");
      await page.getByRole("button", { name: "Try again" }).click();
      await problem.waitFor();
    });

    test("a server that asks for a key", async () => {
      const variables = { API_KEYS: "alice=a-key-that-is-long-enough" };
      const server = await startServer({ bundles: [join(edge.folder, "grey")], variables });
      await page.goto(server.url);
      await page.locator("#error").waitFor();
      expect(await page.locator("#error").textContent()).toContain("need an API key");
      await server.close();
    });

    test("being offline, and online again", async () => {
      await page.goto(`${edge.url}/?seed=7`);
      await ready();
      await context.setOffline(true);
      const error = page.locator("#error");
      await expect.poll(() => error.textContent()).toMatch(/^You are offline/);
      await context.setOffline(false);
      await error.waitFor({ state: "hidden" });
    });

    test("a server that is gone before this browser has the generator", async () => {
      await context.route("**/embed.js", (route) => route.abort());
      await page.goto(`${edge.url}/?seed=7`);
      await drawnBy("the server");
      await context.route("**/sample?**", (route) => route.abort());
      await page.click("#new-seed");
      await page.locator("#error").waitFor();
      expect(await page.locator("#error").textContent()).toBe("The server can't be reached.");
    });

    test.each([
      ["altered weights", /SHA-256 is .*: the file was altered/],
      ["no WebAssembly SIMD", /this browser has no WebAssembly SIMD/],
    ])("%s: the server draws, and it is said why", async (what, message) => {
      if (what === "altered weights") {
        await context.route("**/weights.0.bin*", async (route) => {
          const response = await route.fetch();
          const body = await response.body();
          body[0]! ^= 1;
          await route.fulfill({ response, body });
        });
      } else {
        await context.route("**/embed.js", async (route) => {
          const response = await route.fetch();
          await route.fulfill({
            response,
            body: `WebAssembly.validate = () => false;${await response.text()}`,
          });
        });
      }
      await page.goto(`${edge.url}/?seed=7`);
      await expect.poll(() => page.locator("#drawn").textContent()).toMatch(message);
      expect(await samples().count()).toBeGreaterThan(0);
      await page.click("text=Walk");
      expect(await page.locator("#walk-message").textContent()).toMatch(message);
    });
  });

  describe("for everybody", () => {
    test("by keyboard alone: every control has its turn, and seen focus", async () => {
      await page.goto(`${edge.url}/?seed=7`);
      await drawnBy("the server");
      const focused = () =>
        page.evaluate(() => {
          // biome-ignore lint/suspicious/noExplicitAny: the browser's document
          const { document, getComputedStyle } = globalThis as any;
          const { activeElement } = document;
          return {
            name: activeElement.id || activeElement.className || activeElement.textContent.trim(),
            isSeen: getComputedStyle(activeElement).outlineStyle !== "none",
          };
        });
      const order: string[] = [];
      for (let i = 0; i < 12; i++) {
        await page.keyboard.press("Tab");
        const { name, isSeen } = await focused();
        expect([name, isSeen]).toEqual([name, true]);
        order.push(name);
      }
      const inHeader = ["Samples", "Walk", "Your own", "Model", "models", "code", "HTTP"];
      expect(order).toEqual([...inHeader, "seed", "new-seed", "temperature", "link", "sample"]);
      // The samples are one stop; arrows go among them.
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("Enter");
      await verdict().waitFor();
      // One to the right, and a row of several down.
      await expect.poll(() => Number(address().searchParams.get("sample"))).toBeGreaterThan(5);
      await page.keyboard.press("Tab");
      expect((await focused()).name).toBe("detail-close");
      await page.keyboard.press("Enter");
      expect((await focused()).name).toBe("sample");
      expect(complaints).toEqual([]);
    });

    describe.each([320, 1280])("at %i pixels", (width) => {
      // axe is a script that the page's policy forbids.
      beforeEach(async () => {
        await context.close();
        await openPage({ viewport: { width, height: 800 }, reducedMotion: "reduce", bypassCSP: true });
      });

      // One sample is like another; and without frames there is nothing to gather in a page of its own.
      const look = () =>
        new AxeBuilder({ page }).exclude("#samples .sample:nth-child(n + 4)").setLegacyMode(true);
      const violations = async (axe: AxeBuilder) => {
        const { violations } = await axe.analyze();
        return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
      };
      const overflow = () =>
        page
          .locator("html")
          .evaluate(
            (html: { scrollWidth: number; clientWidth: number }) => html.scrollWidth - html.clientWidth,
          );
      const looksRight = async (where: string) => {
        expect([where, await violations(look())]).toEqual([where, []]);
        expect([where, await overflow()]).toEqual([where, 0]);
        // Of all that axe looks at, only contrast is another one in the dark.
        await page.emulateMedia({ colorScheme: "dark" });
        expect([where, await violations(look().withRules("color-contrast"))]).toEqual([where, []]);
        await page.emulateMedia({ colorScheme: "light" });
      };

      test("axe finds nothing in any view, light or dark, and nothing is cut off", async () => {
        await page.goto(`${edge.url}/?seed=7`);
        await ready();
        await samples().nth(1).click();
        await verdict().waitFor();
        await looksRight("a comparison");
        await page.click("#detail-close");
        for (const view of ["Walk", "Your own", "Model"]) {
          await page.getByRole("link", { name: view, exact: true }).click();
          await looksRight(view);
        }
        await page.click("#code");
        await looksRight("code");
        expect(complaints).toEqual([]);
      });

      test("nor among points, nor where there is no model", async () => {
        await page.goto(`${edge.url}/models/plane/?seed=7`);
        await ready();
        await looksRight("points");
        await page.goto(`${edge.url}/models/none/`);
        await page.getByRole("link", { name: "upsampled" }).waitFor();
        await looksRight("no model");
      });
    });

    test("nothing jumps while it loads, and nothing moves where that isn't wanted", async () => {
      await context.close();
      await openPage({ reducedMotion: "reduce" });
      await page.addInitScript(() => {
        Object.assign(globalThis, { shift: 0 });
        // biome-ignore lint/suspicious/noExplicitAny: the browser's observer
        new (globalThis as any).PerformanceObserver((list: any) => {
          for (const { value } of list.getEntries())
            Reflect.set(globalThis, "shift", value + Reflect.get(globalThis, "shift"));
        }).observe({ type: "layout-shift", buffered: true });
      });
      await page.goto(`${edge.url}/?seed=7`);
      await page.locator("#models:visible").waitFor();
      await drawnBy("the server");
      // What Lighthouse calls good is ten times as much.
      expect(await page.evaluate(() => Reflect.get(globalThis, "shift"))).toBeLessThan(0.01);
      const durations = await page.evaluate(() => {
        // biome-ignore lint/suspicious/noExplicitAny: the browser's document
        const { document, getComputedStyle } = globalThis as any;
        return getComputedStyle(document.getElementById("detail-body")).transitionDuration;
      });
      expect(durations).toBe("0s");
    });
  });
});
