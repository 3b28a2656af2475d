/** The playground: what a model draws, walks between its samples, and whether they are copies of training examples. */

import { type Address, parseSeed, readAddress, writeAddress } from "./address.ts";
import { createCheckView } from "./check-view.ts";
import { createCheckedPicture, explainNoTrainingExamples, type Subject } from "./checked-picture.ts";
import { wireCodeDialog } from "./code-dialog.ts";
import { wireCopy } from "./copy-button.ts";
import { element } from "./dom.ts";
import { showMissingModel } from "./missing-model.ts";
import { showModelCard } from "./model-card.ts";
import { grouped, newSeed } from "./numbers.ts";
import { createSamplesView } from "./samples-view.ts";
import { createScatter } from "./scatter.ts";
import { connect, type Service, ServiceError, servedModels } from "./service.ts";
import type { Screen } from "./snippets.ts";
import { askableLabels, BATCH, browserSource, type Source, STEPS, serverSource } from "./sources.ts";
import { createWalkView } from "./walk-view.ts";
import { createWall } from "./wall.ts";

/** Empty for the default model, or /models/NAME. */
const base = location.pathname.replace(/\/[^/]*$/, "");

connect(base).then(open, (error) => {
  element("about").textContent = "";
  if (error instanceof ServiceError && error.code === "unknown-model") void showMissingModel(error.message);
  else showError(error);
});

function open(service: Service): void {
  const { manifest } = service;
  const { kind, shape } = manifest.output;
  const seedInput = element<HTMLInputElement>("seed");
  const temperatureInput = element<HTMLInputElement>("temperature");
  const labelSelect = element<HTMLSelectElement>("label");
  const seed = newSeed();
  const usual: Address = {
    view: "samples",
    seed,
    temperature: 1,
    label: undefined,
    sample: null,
    from: seed,
    to: seed + 1,
    at: 0,
  };
  let address = readAddress(location, usual);
  let source: Source = serverSource(service);

  const panel = createCheckedPicture(
    service,
    (vectors) => gallery.showTraining(vectors),
    () => {
      gallery.press(null);
      move({ sample: null });
      gallery.element.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    },
  );
  const gallery = kind === "image" ? createWall(shape, choose) : createScatter(choose);
  const samples = createSamplesView({
    gallery,
    source: () => source,
    growsByScrolling: kind === "image",
    onDrawn: (drawn) => {
      hideError();
      checkView.learn(drawn);
      if (address.sample !== null && panel.subject === null) choose(address.sample);
    },
    onError: showError,
  });
  const walk = createWalkView({
    kind,
    source: () => source,
    onMove: (asked, isOtherWay) => {
      move(asked, isOtherWay);
      if (isOtherWay) showWalk();
    },
    onCheck: (sample) =>
      compare({
        title: `${Math.round(address.at * 100)} % of the way from seed ${address.from} to ${address.to}`,
        sample,
        example:
          "picture" in sample ? { pixels: Array.from(sample.picture.data) } : { vector: sample.vector },
      }),
    onError: showError,
  });
  const checkView = createCheckView(service, compare, () => {
    if (address.view !== "check") location.hash = "check";
  });

  describeModel(service);
  showModelCard(service);
  wireCodeDialog(screen);
  wireCopy(element<HTMLButtonElement>("link"), () => location.href);
  element<HTMLButtonElement>("code").disabled = false;
  if (manifest.neighbours === null) {
    for (const id of ["detail-body", "check-none"])
      element(id).textContent = explainNoTrainingExamples(manifest);
    element("check-none").hidden = false;
    element<HTMLButtonElement>("walk-check").hidden = true;
  }
  const labels = askableLabels(manifest);
  labelSelect.append(new Option("any", ""), ...labels.map((label) => new Option(label)));
  element("class").hidden = labels.length === 0;

  element("controls").addEventListener("submit", (event) => event.preventDefault());
  seedInput.addEventListener("change", () => begin(parseSeed(seedInput.value)));
  element("new-seed").addEventListener("click", () => begin(newSeed()));
  temperatureInput.addEventListener("input", () => redraw({ temperature: Number(temperatureInput.value) }));
  labelSelect.addEventListener("change", () => redraw({ label: labelSelect.value || undefined }));
  addEventListener("popstate", () => {
    const before = address;
    address = readAddress(location, address);
    showControls();
    showView();
    if (drawingOf(before) !== drawingOf(address)) samples.begin(address);
    if (before.sample !== address.sample || before.seed !== address.seed) {
      dismiss();
    }
  });

  showControls();
  showView();
  begin(address.seed, true);
  browserSource(service).then(
    (found) => {
      source = found;
      showWalk();
      // The server's samples stay: the browser would draw the same.
      samples.fill();
    },
    (error: Error) => {
      walk.refuse(`No walks here: they are drawn by the browser, and ${error.message}`);
      element("drawn").textContent = `Drawn by the server: ${error.message}`;
    },
  );
  void listModels(manifest.name).catch(() => {});

  /** Changes the address, as a step that one can go back, or in place. */
  function move(change: Partial<Address>, isStep = false): void {
    address = { ...address, ...change };
    const url = writeAddress(address);
    if (url !== location.search + location.hash) {
      history[isStep ? "pushState" : "replaceState"](null, "", location.pathname + url);
    }
  }

  function begin(asked: number, isFirst = false): void {
    if (Number.isNaN(asked)) {
      showError(new Error(`The seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`));
      return;
    }
    seedInput.value = String(asked);
    if (!isFirst) {
      dismiss();
      move({ seed: asked, sample: null }, true);
      scrollTo({ top: 0 });
    } else move({});
    samples.begin(address);
  }

  /** The same seeds, drawn otherwise. */
  function redraw(change: Pick<Partial<Address>, "temperature" | "label">): void {
    dismiss();
    move({ ...change, sample: null });
    showControls();
    samples.redraw(address);
    showWalk();
  }

  function choose(index: number): void {
    gallery.press(index);
    move({ sample: index });
    const sample = samples.sampleAt(index);
    if (!sample) return;
    const { temperature, label } = address;
    const seed = address.seed + Math.floor(index / BATCH);
    const within = index % BATCH;
    compare({
      title: `Sample ${within + 1} of seed ${seed}`,
      sample,
      example: { seed, index: within, temperature, ...(label !== undefined && { label }) },
    });
  }

  function compare(subject: Subject): void {
    void panel.show(subject);
  }

  function dismiss(): void {
    panel.clear();
    gallery.press(null);
  }

  function showControls(): void {
    seedInput.value = Number.isNaN(address.seed) ? "" : String(address.seed);
    temperatureInput.value = String(address.temperature);
    element("temperature-value").textContent = address.temperature.toFixed(2);
    labelSelect.value = address.label ?? "";
  }

  function showView(): void {
    const { view } = address;
    document.body.dataset["view"] = view;
    for (const section of document.querySelectorAll<HTMLElement>(".views > section")) {
      section.hidden = section.id !== `${view}-view`;
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".top nav a")) {
      link.ariaCurrent = link.hash === `#${view}` ? "page" : null;
    }
    if (view === "walk") showWalk();
    if (view === "samples") samples.fill();
  }

  function showWalk(): void {
    if (address.view === "walk") walk.show(address, address);
  }

  function screen(): Screen {
    const { view, seed, from, to, temperature, label } = address;
    return {
      url: service.url,
      kind,
      temperature,
      label,
      shown:
        view === "walk"
          ? { view, from, to, steps: STEPS }
          : { view: "samples", seed, batches: Math.max(samples.batches, 1), batch: BATCH },
      example: panel.subject?.example ?? null,
    };
  }
}

function drawingOf({ seed, temperature, label }: Address): string {
  return JSON.stringify([seed, temperature, label]);
}

function describeModel({ manifest: { name, output, dataset, training } }: Service): void {
  document.title = `${name} · imle-edge`;
  element("title").textContent = name;
  const what = output.kind === "image" ? `${output.shape[1]} × ${output.shape[0]} images` : "vectors";
  element("about").textContent =
    `Draws ${what}. Trained by ${training.objective} on ${grouped(dataset.trainCount)} examples of ${dataset.name}.`;
}

async function listModels(current: string): Promise<void> {
  const models = await servedModels();
  if (models.length < 2) return;
  const select = element<HTMLSelectElement>("models");
  for (const { name } of models) select.add(new Option(name, name, false, name === current));
  select.hidden = false;
  select.addEventListener("change", () => location.assign(`/models/${select.value}/`));
}

function showError(error: unknown): void {
  element("error").textContent = error instanceof Error ? error.message : String(error);
  element("error").hidden = false;
}

function hideError(): void {
  element("error").hidden = true;
}
