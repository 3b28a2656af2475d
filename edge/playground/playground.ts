/** The playground: samples of a seed, and for each of them the nearest training examples and the verdict. */

import { type Plot, plotVectors } from "./plot.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly output: { readonly kind: "image" | "vector"; readonly shape: readonly number[] };
  readonly training: { readonly objective: string };
  readonly dataset: { readonly name: string; readonly trainCount: number };
  readonly neighbours: object | null;
}

interface Check {
  readonly verdict: "copy" | "close" | "novel";
  readonly pValue: number;
  readonly distance: number;
  readonly ratio: number;
  readonly authentic: boolean;
  readonly neighbours: readonly {
    readonly index: number;
    readonly distance: number;
    readonly label: string | null;
    readonly image: string | null;
    readonly vector?: readonly number[];
  }[];
  readonly calibration: {
    readonly heldOut: number;
    readonly alpha: number;
    readonly statistic: "neighbourhood-ratio" | "aligned-ratio";
    readonly neighbourhood: number;
    readonly method: "held-out" | "leave-one-out";
  };
  readonly note: string;
}

const SAMPLES = { image: 48, vector: 64 };
const NEIGHBOURS = 5;
/** White pixels between the images of the grid that /sample draws. */
const GAP_PIXELS = 2;
const MAX_SEED_DIGITS = 6;

/** Empty for the default model, or /models/NAME. */
const base = location.pathname.replace(/\/[^/]*$/, "");

const seedInput = element<HTMLInputElement>("seed");
const temperatureInput = element<HTMLInputElement>("temperature");
const samples = element("samples");
const detailBody = element("detail-body");

let manifest: Manifest;
/** Where vectors are drawn; null for images. */
let plot: Plot | null = null;
/** Counts what was asked for, so that a late answer to an earlier question is dropped. */
let drawing = 0;
let checking = 0;

start().catch(showError);

async function start(): Promise<void> {
  const parameters = new URLSearchParams(location.search);
  seedInput.value = parameters.get("seed") ?? newSeed();
  temperatureInput.value = parameters.get("temperature") ?? "1";
  element("controls").addEventListener("submit", (event) => event.preventDefault());
  seedInput.addEventListener("change", draw);
  temperatureInput.addEventListener("change", draw);
  temperatureInput.addEventListener("input", showTemperature);
  element("new-seed").addEventListener("click", () => {
    seedInput.value = newSeed();
    draw();
  });
  addEventListener("popstate", () => location.reload());

  manifest = await (await get("/manifest.json")).json();
  describeModel();
  draw();
  await listModels();
}

function describeModel(): void {
  const { name, version, output, dataset, training, neighbours } = manifest;
  document.title = `${name} · imle-edge`;
  element("title").textContent = name;
  const what = output.kind === "image" ? `images of ${output.shape.slice(0, 2).join(" × ")}` : "vectors";
  element("about").textContent =
    `A generator of ${what}, trained with the objective ${training.objective} on ` +
    `${dataset.trainCount.toLocaleString("en")} examples of ${dataset.name}. Version ${version}.`;
  element("detail").hidden = neighbours === null;
}

async function listModels(): Promise<void> {
  const { models } = await (await ok(await fetch("/models"))).json();
  if (models.length < 2) return;
  const select = element<HTMLSelectElement>("models");
  for (const { name } of models) select.add(new Option(name, name, false, name === manifest.name));
  select.hidden = false;
  select.addEventListener("change", () => location.assign(`/models/${select.value}/`));
}

function draw(): void {
  if (!seedInput.checkValidity() || Number(seedInput.value) > Number.MAX_SAFE_INTEGER) {
    showError(new Error(`The seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`));
    return;
  }
  showTemperature();
  const seed = String(Number(seedInput.value));
  const temperature = Number(temperatureInput.value);
  const query = `seed=${seed}${temperature === 1 ? "" : `&temperature=${temperature}`}`;
  if (query !== location.search.slice(1)) {
    const isFirst = location.search === "";
    history[isFirst ? "replaceState" : "pushState"](null, "", `?${query}`);
  }
  element<HTMLAnchorElement>("link").href = location.href;
  clearDetail();
  drawSamples(query, Number(seed), temperature).catch(showError);
}

async function drawSamples(query: string, seed: number, temperature: number): Promise<void> {
  const turn = ++drawing;
  samples.ariaBusy = "true";
  const { kind, shape } = manifest.output;
  const count = SAMPLES[kind];
  const response = await get(`/sample?n=${count}&${query}&format=${kind === "image" ? "png" : "json"}`);
  const content = kind === "image" ? await pictureOf(response) : await vectorsOf(response);
  if (turn !== drawing) return;
  const choose = (index: number, target: Element) => {
    for (const pressed of samples.querySelectorAll('[aria-pressed="true"]')) pressed.ariaPressed = "false";
    target.ariaPressed = "true";
    check(seed, index, temperature, target).catch(showError);
  };
  plot = typeof content === "string" ? null : plotVectors(content, choose);
  samples.replaceChildren(plot?.element ?? pictureGrid(content as string, count, shape, choose));
  samples.ariaBusy = "false";
  element("error").hidden = true;
}

async function pictureOf(response: Response): Promise<string> {
  const url = URL.createObjectURL(await response.blob());
  const image = new Image();
  image.src = url;
  await image.decode();
  return url;
}

async function vectorsOf(response: Response): Promise<number[][]> {
  const { samples } = await response.json();
  return samples.map(({ vector }: { vector: number[] }) => vector);
}

/** A button a sample, each a window on the one grid that the server drew. */
function pictureGrid(
  url: string,
  count: number,
  shape: readonly number[],
  choose: (index: number, target: Element) => void,
): Element {
  const [height = 1, width = 1] = shape;
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const gridWidth = columns * (width + GAP_PIXELS) - GAP_PIXELS;
  const gridHeight = rows * (height + GAP_PIXELS) - GAP_PIXELS;
  const grid = create("div", "grid");
  for (let index = 0; index < count; index++) {
    const button = create("button", "sample");
    button.type = "button";
    button.ariaLabel = `Sample ${index + 1}`;
    button.ariaPressed = "false";
    button.style.aspectRatio = `${width} / ${height}`;
    button.style.backgroundImage = `url(${url})`;
    button.style.backgroundSize = `${(100 * gridWidth) / width}% ${(100 * gridHeight) / height}%`;
    const x = percent((index % columns) * (width + GAP_PIXELS), gridWidth - width);
    const y = percent(Math.floor(index / columns) * (height + GAP_PIXELS), gridHeight - height);
    button.style.backgroundPosition = `${x} ${y}`;
    button.addEventListener("click", () => choose(index, button));
    grid.append(button);
  }
  return grid;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "0%" : `${(100 * part) / whole}%`;
}

async function check(seed: number, index: number, temperature: number, target: Element): Promise<void> {
  if (manifest.neighbours === null) return;
  const turn = ++checking;
  detailBody.ariaBusy = "true";
  const response = await ok(
    await fetch(`${base}/nearest?k=${NEIGHBOURS}&v=${manifest.version}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ seed, index, temperature }),
    }),
  ).catch((error) => {
    if (turn === checking) clearDetail();
    throw error;
  });
  const answer: Check = await response.json();
  if (turn !== checking) return;
  detailBody.replaceChildren(...describeCheck(answer, index, target));
  plot?.showTraining(answer.neighbours.map(({ vector }) => vector!));
  detailBody.ariaBusy = "false";
  element("note").textContent =
    `${answer.note} Authentic: farther from its nearest training example than that one is from the rest.`;
  element("note").hidden = false;
  // On narrow screens the answer lies below the samples.
  const { top } = element("detail").getBoundingClientRect();
  if (top > innerHeight * 0.75) element("detail").scrollIntoView();
}

const VERDICTS = { copy: "A copy", close: "Close to one", novel: "Novel" };

function describeCheck(answer: Check, index: number, target: Element): Element[] {
  const { verdict, pValue, distance, ratio, authentic, neighbours, calibration } = answer;
  const isImage = manifest.output.kind === "image";
  const subject = create("div", isImage ? "subject" : "");
  if (isImage) {
    const picture = create("div", "picture");
    picture.style.cssText = (target as HTMLElement).style.cssText;
    picture.role = "img";
    picture.ariaLabel = `Sample ${index + 1}`;
    subject.append(picture);
  }
  const words = create("div");
  words.append(
    create("p", `verdict ${verdict}`, VERDICTS[verdict]),
    create("p", "quiet", explain(verdict, pValue, calibration)),
  );
  subject.append(words);

  const aligned = calibration.statistic === "aligned-ratio" ? "once aligned, " : "";
  const numbers = create("dl", "numbers");
  for (const [name, value] of [
    ["p-value", format(pValue)],
    ["Distance to the nearest", format(distance)],
    [`… ${aligned}relative to the ${calibration.neighbourhood} nearest`, format(ratio)],
    ["Authentic", authentic ? "yes" : "no"],
  ]) {
    numbers.append(create("dt", "", name), create("dd", "", value));
  }

  const list = create("ol", isImage ? "neighbours" : "neighbours vectors");
  for (const neighbour of neighbours) {
    const item = create("li");
    if (neighbour.image) {
      const image = create("img", "picture");
      image.src = `${neighbour.image}?v=${manifest.version}`;
      image.alt = `Training example ${neighbour.index}`;
      item.append(image);
    }
    const at = neighbour.vector ? `(${neighbour.vector.map(format).join(", ")}), ` : "";
    const label = neighbour.label === null ? "" : `${neighbour.label}, `;
    item.append(
      create("div", "", `${at}${label}${format(neighbour.distance)}`),
      create("div", "quiet", `#${neighbour.index}`),
    );
    list.append(item);
  }
  return [
    subject,
    numbers,
    create(
      "h3",
      "",
      `Nearest training examples${neighbours[0]?.label ? ": class and distance" : " and their distance"}`,
    ),
    list,
  ];
}

function explain(
  verdict: Check["verdict"],
  pValue: number,
  { heldOut, alpha, method }: Check["calibration"],
): string {
  const share = `${format(pValue * 100)} %`;
  const kind =
    method === "held-out"
      ? "real examples that were not trained on"
      : "training examples, against the others,";
  const among = `${heldOut.toLocaleString("en")} ${kind}`;
  if (verdict === "copy") {
    return `Only ${share} of ${among} come this near to a training example, for their neighbourhood; below ${alpha * 100} % counts as a copy.`;
  }
  if (verdict === "close") {
    return `${share} of ${among} come this near to a training example, for their neighbourhood; unusual, but short of the ${alpha * 100} % of a copy.`;
  }
  return `No nearer to a training example than real examples are: ${share} of ${among} come as near, for their neighbourhood.`;
}

function clearDetail(): void {
  checking++;
  detailBody.ariaBusy = "false";
  detailBody.replaceChildren(
    create("p", "quiet", "Choose a sample to see the training examples nearest to it."),
  );
  element("note").hidden = true;
}

/** Fetches from the model's routes, pinned to its version so that the browser may keep the answer. */
async function get(path: string): Promise<Response> {
  const pinned = manifest ? `${path}${path.includes("?") ? "&" : "?"}v=${manifest.version}` : path;
  return ok(await fetch(base + pinned));
}

async function ok(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (problem.code === "version-gone") throw new Error("The model has been replaced. Reload the page.");
  throw new Error(problem.detail ?? `The server answered ${response.status}.`);
}

function showError(error: Error): void {
  const isOffline = error instanceof TypeError;
  element("error").textContent = isOffline ? "The server can't be reached." : error.message;
  element("error").hidden = false;
  samples.ariaBusy = "false";
}

function showTemperature(): void {
  element("temperature-value").textContent = Number(temperatureInput.value).toFixed(1);
}

function newSeed(): string {
  return String(Math.floor(Math.random() * 10 ** MAX_SEED_DIGITS));
}

/** Three significant digits, without an exponent where that is legible. */
function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
