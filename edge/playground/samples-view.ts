/** Samples of a seed, then of the next ones, as far as one scrolls. */

import { element } from "./dom.ts";
import type { Gallery } from "./gallery.ts";
import { grouped } from "./numbers.ts";
import { BATCH, type Drawing, type Sample, type Source } from "./sources.ts";

/** The wall ends somewhere: 6,400 samples. */
const MAX_BATCHES = 100;

/** Of a new seed as many are drawn as were shown, but not more than a screen holds: the others are out of sight. */
const KEPT_BATCHES = 6;

export interface SamplesView {
  /** Draws a seed from its first sample on, until it has this many or more. Settles when they are there, or it failed. */
  begin(drawing: Drawing, atLeast?: number): Promise<void>;
  /** Draws what is shown once more, of another temperature or class. */
  redraw(drawing: Drawing): void;
  /** Draws on until the end is out of sight. */
  fill(): void;
  /** Says who draws. */
  tell(text: string): void;
  readonly batches: number;
  sampleAt(index: number): Sample | undefined;
}

export interface SamplesOptions {
  readonly gallery: Gallery;
  readonly source: () => Source;
  /** Scatters grow at a button's press. */
  readonly growsByScrolling: boolean;
  /** Scrolling adds nothing before this is true. */
  readonly mayGrow: () => boolean;
  /** Told every batch. */
  readonly onDrawn: (samples: readonly Sample[]) => void;
  readonly onError: (error: unknown) => void;
}

export function createSamplesView(options: SamplesOptions): SamplesView {
  const { gallery, source, growsByScrolling } = options;
  const box = element("samples");
  const status = element("drawn");
  const more = element<HTMLButtonElement>("more");
  const end = element("end");
  let drawing: Drawing;
  let samples: Sample[] = [];
  let batches = 0;
  /** Ends what is being drawn when something else is asked for. */
  let lifetime = new AbortController();
  /** What a batch is being added to. */
  let growing: AbortSignal | null = null;
  let isEndInSight = false;

  box.replaceChildren(gallery.element);

  const batch = async (index: number, signal: AbortSignal): Promise<void> => {
    const drawn = await source().sample({ ...drawing, seed: drawing.seed + index }, signal);
    signal.throwIfAborted();
    samples.splice(index * BATCH, BATCH, ...drawn);
    gallery.show(index * BATCH, drawn);
    options.onDrawn(drawn);
  };

  /** Draws this many batches, and forgets what lay beyond them. */
  const draw = async (count: number): Promise<void> => {
    lifetime.abort();
    const { signal } = (lifetime = new AbortController());
    const start = performance.now();
    box.ariaBusy = "true";
    try {
      await batch(0, signal);
      const elapsedMs = performance.now() - start;
      box.ariaBusy = "false";
      for (let index = 1; index < count; index++) await batch(index, signal);
      batches = count;
      samples = samples.slice(0, count * BATCH);
      gallery.truncate(samples.length);
      report(elapsedMs);
      growIfInSight();
    } catch (error) {
      fail(error, signal);
    }
  };

  const grow = async (): Promise<void> => {
    const { signal } = lifetime;
    if (growing === signal || batches === 0 || batches >= most()) return;
    growing = signal;
    try {
      await batch(batches, signal);
      batches++;
      report(null);
    } catch (error) {
      return fail(error, signal);
    } finally {
      if (growing === signal) growing = null;
    }
    // The observer tells of changes only; if the end is still in sight, it has nothing to tell.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    growIfInSight();
  };

  /** The last seed is followed by none. */
  const most = () => Math.min(MAX_BATCHES, Number.MAX_SAFE_INTEGER - drawing.seed + 1);

  const growIfInSight = () => {
    if (growsByScrolling && options.mayGrow() && isEndInSight && isShown(end)) void grow();
  };

  const report = (elapsedMs: number | null) => {
    const time = elapsedMs === null ? "" : ` in ${elapsedMs.toFixed(0)} ms`;
    if (elapsedMs !== null) status.textContent = `Drawn by ${source().who}${time}.`;
    end.textContent =
      batches >= most() ? `These are ${grouped(batches * BATCH)} samples. A new seed draws others.` : "";
    more.hidden = growsByScrolling || batches >= most();
  };

  const fail = (error: unknown, signal: AbortSignal) => {
    if (signal.aborted) return;
    box.ariaBusy = "false";
    options.onError(error);
  };

  more.addEventListener("click", () => void grow());
  new IntersectionObserver(
    (entries) => {
      isEndInSight = entries.at(-1)!.isIntersecting;
      growIfInSight();
    },
    { rootMargin: "0px 0px 600px" },
  ).observe(end);

  return {
    begin(asked, atLeast = 1) {
      drawing = asked;
      const wanted = Math.max(Math.ceil(atLeast / BATCH), Math.min(batches, KEPT_BATCHES));
      return draw(Math.min(wanted, most()));
    },
    redraw(asked) {
      drawing = asked;
      void draw(Math.max(batches, 1));
    },
    fill: growIfInSight,
    tell(text) {
      status.textContent = text;
    },
    get batches() {
      return batches;
    },
    sampleAt: (index) => samples[index],
  };
}

function isShown(element: HTMLElement): boolean {
  return element.offsetParent !== null;
}
