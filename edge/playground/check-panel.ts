/** The panel beside the samples: an example, its nearest training examples, the verdict, and where that comes from. */

import { paint } from "../embed/images.ts";
import { sideBySide } from "./checked-picture.ts";
import { listVectors } from "./checked-vector.ts";
import { create, definitions, element } from "./dom.ts";
import { grouped, short } from "./numbers.ts";
import { plotAmongHeldOut } from "./plot.ts";
import type { Check, Example, Service } from "./service.ts";
import type { Sample } from "./sources.ts";
import { explainNoTrainingExamples, explainVerdict, nameOfNull, VERDICTS } from "./words.ts";

/** What is compared. */
export interface Subject {
  /** Say "Sample 4 of seed 7". */
  readonly title: string;
  readonly sample: Sample;
  /** What /nearest is sent. */
  readonly example: Example;
}

export interface CheckPanel {
  show(subject: Subject): void;
  clear(): void;
  /** What is shown; null: nothing. */
  readonly subject: Subject | null;
}

export interface CheckPanelOptions {
  /** Told the training examples that lie near, of vector models. */
  readonly onNeighbours: (vectors: readonly (readonly number[])[]) => void;
  /** It was closed by hand. */
  readonly onClose: () => void;
}

export function createCheckPanel(service: Service, { onNeighbours, onClose }: CheckPanelOptions): CheckPanel {
  const { neighbours } = service.manifest;
  const panel = element("detail");
  const title = element("detail-title");
  const body = element("detail-body");
  const close = element<HTMLButtonElement>("detail-close");
  const empty = neighbours
    ? [...body.childNodes]
    : [create("p", {}, explainNoTrainingExamples(service.manifest))];
  let subject: Subject | null = null;
  let lifetime = new AbortController();

  /** Of all that changes, who can't see it is told this alone. */
  const tell = (text: string) => {
    element("detail-status").textContent = text;
  };
  const fill = (isBusy: boolean, ...content: readonly Node[]) => {
    body.ariaBusy = String(isBusy);
    body.replaceChildren(...content);
  };
  const clear = () => {
    lifetime.abort();
    subject = null;
    panel.classList.remove("open");
    title.textContent = "Is it a copy?";
    close.hidden = true;
    tell("");
    fill(false, ...empty);
  };
  const dismiss = () => {
    clear();
    onClose();
  };
  close.addEventListener("click", dismiss);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dismiss();
  });

  const ask = async (asked: Subject, signal: AbortSignal): Promise<void> => {
    try {
      const [check, heldOut] = await Promise.all([
        service.check(asked.example, signal),
        service.heldOut().catch(() => null),
      ]);
      if (signal.aborted) return;
      fill(false, ...describe(asked, check, heldOut, service));
      tell(`${asked.title}: ${VERDICTS[check.verdict]}`);
      onNeighbours(check.neighbours.flatMap(({ vector }) => (vector ? [vector] : [])));
    } catch (error) {
      if (signal.aborted) return;
      const retry = create("button", { type: "button" }, "Try again");
      retry.addEventListener("click", () => show(asked));
      fill(false, create("p", { className: "problem", role: "alert" }, (error as Error).message), retry);
    }
  };
  const show = (asked: Subject) => {
    lifetime.abort();
    lifetime = new AbortController();
    // What was compared before stays until the answer is there, dimmed.
    const isFirst = body.querySelector(".verdict") === null;
    subject = asked;
    title.textContent = asked.title;
    close.hidden = false;
    panel.classList.add("open");
    if (!neighbours) return;
    if (isFirst) fill(true, ...waiting(asked.sample, neighbours.rowCount));
    else body.ariaBusy = "true";
    void ask(asked, lifetime.signal);
  };

  clear();
  return {
    show,
    clear,
    get subject() {
      return subject;
    },
  };
}

function waiting(sample: Sample, rowCount: number): HTMLElement[] {
  const words = create("p", {}, `Comparing with ${grouped(rowCount)} training examples …`);
  if (!("picture" in sample)) return [words];
  const own = create("canvas", { role: "img", ariaLabel: "This one" });
  paint(own, sample.picture);
  return [words, create("div", { className: "compared" }, create("figure", {}, own))];
}

function describe(
  { sample }: Subject,
  check: Check,
  heldOut: Float32Array | null,
  service: Service,
): HTMLElement[] {
  const { verdict, calibration, neighbours } = check;
  const words = create(
    "div",
    { className: "words" },
    create("p", { className: `verdict ${verdict}` }, VERDICTS[verdict]),
    create("p", { className: "quiet" }, explainVerdict(check)),
  );
  const beside =
    "picture" in sample
      ? sideBySide(sample.picture, neighbours, service)
      : [listVectors(sample.vector, neighbours)];
  const among = heldOut && [
    create(
      "figure",
      {},
      create("figcaption", {}, `Among ${nameOfNull(calibration)}`),
      plotAmongHeldOut(heldOut, check),
    ),
  ];
  const aligned = calibration.statistic === "aligned-ratio" ? "once aligned, " : "";
  const numbers = definitions([
    ["p-value", short(check.pValue)],
    ["Distance to the nearest", short(check.distance)],
    [`… ${aligned}relative to the ${calibration.neighbourhood} nearest`, short(check.ratio)],
    ["Authentic", `${check.authentic ? "yes, farther from" : "no, nearer to"} it than it lies from the rest`],
  ]);
  const note = create(
    "p",
    { className: "note" },
    create("span", { id: "note" }, check.note),
    " ",
    create("a", { href: "#model" }, "What it is, and what it is not"),
  );
  return [words, ...beside, ...(among ?? []), numbers, note];
}
