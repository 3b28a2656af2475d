/** The playground: what a model draws, walks between its samples, and whether they are copies of training examples. */

import { type Address, readAddress, VIEWS, writeAddress } from "./address.ts";
import { createCheckPanel } from "./check-panel.ts";
import { createCheckView } from "./check-view.ts";
import { wireCodeDialog } from "./code-dialog.ts";
import { createControls } from "./controls.ts";
import { wireCopy } from "./copy-button.ts";
import { element } from "./dom.ts";
import { describeModel, hideError, listModels, showError, watchConnection } from "./header.ts";
import { showMissingModel } from "./missing-model.ts";
import { showModelCard } from "./model-card.ts";
import { newSeed } from "./numbers.ts";
import { createSamplesView } from "./samples-view.ts";
import { createScatter } from "./scatter.ts";
import { connect, type Service, ServiceError } from "./service.ts";
import type { Screen } from "./snippets.ts";
import { askableLabels, BATCH, browserSource, type Source, STEPS, serverSource } from "./sources.ts";
import { createWalkView } from "./walk-view.ts";
import { createWall } from "./wall.ts";

/** Empty for the default model, or /models/NAME. */
const base = location.pathname.replace(/\/[^/]*$/, "");

/** While something is dragged: browsers refuse some hundred changes of the address in half a minute. */
const SETTLE_MS = 250;

/** Elsewhere the panel lies over the views, and what was compared gives way to the one that is chosen. */
const hasRoom = matchMedia("(min-width: 60rem)");

/** How long the wall waits for the browser's generator before it grows by the server's. */
const PATIENCE_MS = 2000;

connect(base).then(open, (error) => {
  for (const id of ["about", "drawn"]) element(id).textContent = "";
  if (error instanceof ServiceError && error.code === "unknown-model") void showMissingModel(error.message);
  else showError(error);
});

function open(service: Service): void {
  const { manifest } = service;
  const { kind, shape } = manifest.output;
  let address = readAddress(location, newSeed());
  let source: Source = serverSource(service);
  let settling = 0;
  let hasWaited = false;

  const showControls = createControls({ labels: askableLabels(manifest), onSeed: begin, onChange: redraw });
  const gallery = kind === "image" ? createWall(shape, choose) : createScatter(choose);
  const panel = createCheckPanel(service, {
    onNeighbours: (vectors) => gallery.showTraining(vectors),
    onClose: () => {
      gallery.press(null);
      move({ sample: null });
      gallery.element.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
    },
  });
  const samples = createSamplesView({
    gallery,
    source: () => source,
    growsByScrolling: kind === "image",
    mayGrow: () => hasWaited,
    onDrawn: (drawn) => {
      hideError();
      checkView.learn(drawn);
      if (address.sample !== null && panel.subject === null) choose(address.sample);
    },
    onError: showError,
  });
  const walk = createWalkView({
    kind,
    canCheck: manifest.neighbours !== null,
    source: () => source,
    onMove: (asked, isOtherWay) => {
      move(asked, isOtherWay);
      if (isOtherWay) showWalk();
    },
    onCheck: (sample) =>
      panel.show({
        title: `${Math.round(address.at * 100)} % of the way from seed ${address.from} to ${address.to}`,
        sample,
        example:
          "picture" in sample ? { pixels: Array.from(sample.picture.data) } : { vector: sample.vector },
      }),
    onError: showError,
  });
  const checkView = createCheckView(service, panel.show, () => go("check"));

  describeModel(service);
  showModelCard(service);
  wireCodeDialog(screen);
  wireCopy(element<HTMLButtonElement>("link"), () => new URL(writeAddress(address), location.href).href);
  watchConnection(samples.fill);
  listModels(manifest.name).catch(() => {}); // then there is just this one
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>('a[href^="#"]');
    const view = VIEWS.find((each) => `#${each}` === link?.hash);
    if (!view) return;
    event.preventDefault();
    if (!hasRoom.matches) {
      dismiss();
      move({ sample: null });
    }
    go(view);
  });
  addEventListener("popstate", () => {
    clearTimeout(settling);
    const before = address;
    address = readAddress(location, before.seed);
    show();
    if (drawingOf(before) === drawingOf(address) && before.sample === address.sample) return;
    dismiss();
    void samples.begin(address, (address.sample ?? 0) + 1);
  });

  show();
  move({});
  // What is seen first comes first; then what draws faster. The wall waits for that a little, rather than fetch pictures.
  const spread = () => {
    hasWaited = true;
    samples.fill();
  };
  begin(address.seed)
    .then(() => {
      setTimeout(spread, PATIENCE_MS);
      return browserSource(service);
    })
    .then((found) => {
      source = found;
      showWalk();
    })
    .catch((error: Error) => {
      walk.refuse(`No walks here: they are drawn by the browser, and ${error.message}`);
      samples.tell(`Drawn by the server: ${error.message}`);
    })
    .finally(spread);

  /** Changes the address, in place or as a step that one can go back. */
  function move(change: Partial<Address>, isStep = false): void {
    address = { ...address, ...change };
    clearTimeout(settling);
    if (isStep) write("pushState");
    else settling = setTimeout(() => write("replaceState"), SETTLE_MS);
  }

  function write(how: "pushState" | "replaceState"): void {
    const url = writeAddress(address);
    if (url !== location.search + location.hash) history[how](null, "", location.pathname + url);
  }

  function go(view: Address["view"]): void {
    move({ view }, true);
    show();
    scrollTo({ top: 0 });
  }

  /** Draws the samples of a seed. */
  async function begin(seed: number): Promise<void> {
    if (Number.isNaN(seed)) {
      showError(`The seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`);
      return;
    }
    if (seed !== address.seed) {
      dismiss();
      move({ seed, sample: null }, true);
      showControls(address);
      scrollTo({ top: 0 });
    }
    await samples.begin(address, (address.sample ?? 0) + 1);
  }

  /** Draws the same seeds at another temperature, or of another class. */
  function redraw(change: Partial<Address>): void {
    dismiss();
    move({ ...change, sample: null });
    showControls(address);
    samples.redraw(address);
    showWalk();
  }

  function choose(index: number): void {
    const sample = samples.sampleAt(index);
    if (!sample) return;
    gallery.press(index);
    move({ sample: index });
    const { temperature, label } = address;
    const seed = address.seed + Math.floor(index / BATCH);
    const within = index % BATCH;
    panel.show({
      title: `Sample ${within + 1} of seed ${seed}`,
      sample,
      example: { seed, index: within, temperature, ...(label !== undefined && { label }) },
    });
  }

  function dismiss(): void {
    panel.clear();
    gallery.press(null);
  }

  function show(): void {
    const { view } = address;
    showControls(address);
    document.body.dataset["view"] = view;
    for (const section of document.querySelectorAll<HTMLElement>(".views > section")) {
      section.hidden = section.id !== `${view}-view`;
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>(".top nav a")) {
      link.ariaCurrent = link.hash === `#${view}` ? "page" : null;
    }
    showWalk();
    samples.fill();
  }

  function showWalk(): void {
    if (address.view === "walk") walk.show(address, address);
  }

  function screen(): Screen {
    const { view, seed, from, to, temperature, label } = address;
    const batches = Math.max(samples.batches, 1);
    return {
      url: service.url,
      kind,
      temperature,
      label,
      shown:
        view === "walk" ? { view, from, to, steps: STEPS } : { view: "samples", seed, batches, batch: BATCH },
      example: panel.subject?.example ?? null,
    };
  }
}

function drawingOf({ seed, temperature, label }: Address): string {
  return JSON.stringify([seed, temperature, label]);
}
