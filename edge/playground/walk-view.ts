/** A walk through latent space, from one seed's first sample to another's, that one drags along. */

import { paint } from "../embed/images.ts";
import { parseSeed } from "./address.ts";
import { create, element } from "./dom.ts";
import { createPathPlot } from "./scatter.ts";
import { type Sample, type Source, STEPS } from "./sources.ts";

/** Pictures under the walk, by which one sees where it leads. */
const STRIP = 9;

export interface Walk {
  readonly from: number;
  readonly to: number;
  /** 0 to 1. */
  readonly at: number;
}

export interface WalkView {
  /** Shows a walk; draws it anew where its ends, the temperature or the class changed. */
  show(walk: Walk, drawing: { readonly temperature: number; readonly label: string | undefined }): void;
  /** Says why there are no walks. */
  refuse(reason: string): void;
}

export interface WalkOptions {
  readonly kind: "image" | "vector";
  /** Whether there are training examples to compare with. */
  readonly canCheck: boolean;
  readonly source: () => Source;
  /** One went on, or changed an end. */
  readonly onMove: (walk: Walk, isOtherWay: boolean) => void;
  readonly onCheck: (sample: Sample) => void;
  readonly onError: (error: unknown) => void;
}

export function createWalkView({ kind, canCheck, source, onMove, onCheck, onError }: WalkOptions): WalkView {
  const stage = element("walk-stage");
  const slider = element<HTMLInputElement>("walk-at");
  const from = element<HTMLInputElement>("walk-from");
  const to = element<HTMLInputElement>("walk-to");
  const message = element("walk-message");
  const check = element<HTMLButtonElement>("walk-check");
  const on = element<HTMLButtonElement>("walk-on");
  const canvas = create("canvas");
  const path = createPathPlot();
  const strip = element("walk-strip");
  const stripCanvases = Array.from({ length: STRIP }, () => create("canvas"));
  let walk: Walk = { from: 0, to: 0, at: 0 };
  let steps: readonly Sample[] = [];
  /** Names what `steps` were drawn of. */
  let drawn = "";
  let lifetime = new AbortController();

  stage.replaceChildren(kind === "image" ? canvas : path.element);
  if (kind === "image") strip.replaceChildren(...stripCanvases);
  strip.hidden = kind !== "image";
  check.hidden = !canCheck;
  slider.max = String(STEPS - 1);

  const stepAt = (at: number) => Math.round(at * (STEPS - 1));
  const paintStep = () => {
    const step = stepAt(walk.at);
    slider.value = String(step);
    slider.ariaValueText = `${Math.round(walk.at * 100)} % of the way`;
    const sample = steps[step];
    if (!sample) return;
    if ("picture" in sample) paint(canvas, sample.picture);
    else
      path.show(
        steps.map((each) => ("vector" in each ? each.vector : [])),
        step,
      );
  };
  const go = (at: number) => {
    walk = { ...walk, at: stepAt(Math.min(Math.max(at, 0), 1)) / (STEPS - 1) };
    paintStep();
    onMove(walk, false);
  };

  slider.addEventListener("input", () => go(Number(slider.value) / (STEPS - 1)));
  stage.addEventListener("pointerdown", (event) => {
    if (steps.length === 0) return;
    stage.setPointerCapture(event.pointerId);
    const start = { x: event.clientX, at: walk.at };
    const move = ({ clientX }: PointerEvent) => go(start.at + (clientX - start.x) / stage.clientWidth);
    stage.addEventListener("pointermove", move);
    const stop = () => stage.removeEventListener("pointermove", move);
    stage.addEventListener("pointerup", stop, { once: true });
    stage.addEventListener("pointercancel", stop, { once: true });
  });
  strip.addEventListener("click", (event) => {
    const { left, width } = strip.getBoundingClientRect();
    go((event.clientX - left) / width);
  });
  for (const input of [from, to]) {
    input.addEventListener("change", () => {
      const ends = { from: parseSeed(from.value), to: parseSeed(to.value) };
      if (Number.isNaN(ends.from) || Number.isNaN(ends.to)) {
        onError(new Error(`A seed is a whole number from 0 to ${Number.MAX_SAFE_INTEGER}.`));
        return;
      }
      onMove({ ...walk, ...ends }, true);
    });
  }
  on.addEventListener("click", () => onMove({ from: walk.to, to: walk.to + 1, at: 0 }, true));
  check.addEventListener("click", () => {
    const sample = steps[stepAt(walk.at)];
    if (sample) onCheck(sample);
  });

  const tell = (reason: string | null) => {
    message.hidden = reason === null;
    message.textContent = reason ?? "";
    stage.ariaBusy = String(reason !== null);
    for (const control of [slider, check, on]) control.disabled = reason !== null;
  };

  return {
    show(asked, drawing) {
      walk = asked;
      from.value = String(walk.from);
      to.value = String(walk.to);
      const { walk: walkOf } = source();
      const name = JSON.stringify([walk.from, walk.to, drawing.temperature, drawing.label]);
      if (!walkOf || name === drawn) return paintStep();
      lifetime.abort();
      const { signal } = (lifetime = new AbortController());
      drawn = name;
      walkOf(walk.from, walk.to, drawing, signal).then(
        (samples) => {
          if (signal.aborted) return;
          steps = samples;
          tell(null);
          paintStep();
          for (const [i, each] of stripCanvases.entries()) {
            const sample = samples[Math.round((i / (STRIP - 1)) * (STEPS - 1))]!;
            if ("picture" in sample) paint(each, sample.picture);
          }
        },
        (error) => {
          drawn = "";
          if (!signal.aborted) onError(error);
        },
      );
    },
    refuse: tell,
  };
}
