/** The panel beside the samples: one example, its nearest training examples, the difference, the verdict. */

import type { Manifest } from "../../shared/manifest.ts";
import { paint } from "../embed/images.ts";
import { create, definitions, element } from "./dom.ts";
import { grouped, percent, short } from "./numbers.ts";
import { difference, pictureIn } from "./pixels.ts";
import { plotAmongHeldOut } from "./plot.ts";
import type { Check, Example, Neighbour, Service } from "./service.ts";
import type { Picture, Sample } from "./sources.ts";

/** What is compared. */
export interface Subject {
  /** Say "Sample 4 of seed 7". */
  readonly title: string;
  readonly sample: Sample;
  /** What /nearest is sent. */
  readonly example: Example;
}

export interface CheckedPicture {
  /** Settles when the answer is shown, or why there is none. */
  show(subject: Subject): Promise<void>;
  clear(): void;
  readonly subject: Subject | null;
}

const VERDICTS = { copy: "A copy", close: "Close to one", novel: "Novel" };

/** @param onNeighbours told vectors that lie near */
export function createCheckedPicture(
  service: Service,
  onNeighbours: (vectors: readonly (readonly number[])[]) => void,
  onClose: () => void,
): CheckedPicture {
  const panel = element("detail");
  const title = element("detail-title");
  const body = element("detail-body");
  const hasRows = service.manifest.neighbours !== null;
  const empty = hasRows
    ? [...body.childNodes]
    : [create("p", { className: "quiet" }, explainNoTrainingExamples(service.manifest))];
  const close = element<HTMLButtonElement>("detail-close");
  let subject: Subject | null = null;
  let lifetime = new AbortController();

  if (!hasRows) body.replaceChildren(...empty);

  const clear = () => {
    lifetime.abort();
    subject = null;
    panel.classList.remove("open");
    title.textContent = "Is it a copy?";
    body.ariaBusy = "false";
    body.replaceChildren(...empty);
    close.hidden = true;
  };
  const dismiss = () => {
    clear();
    onClose();
  };
  close.addEventListener("click", dismiss);
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") dismiss();
  });

  const show = async (asked: Subject): Promise<void> => {
    lifetime.abort();
    const { signal } = (lifetime = new AbortController());
    subject = asked;
    title.textContent = asked.title;
    panel.classList.add("open");
    close.hidden = false;
    if (!hasRows) return;
    body.ariaBusy = "true";
    try {
      const check = await service.check(asked.example, signal);
      const heldOut = await service.heldOut().catch(() => null);
      if (signal.aborted) return;
      onNeighbours(check.neighbours.flatMap(({ vector }) => (vector ? [vector] : [])));
      body.replaceChildren(...describe(asked, check, heldOut, service));
    } catch (error) {
      if (signal.aborted) return;
      const retry = create("button", { type: "button" }, "Try again");
      retry.addEventListener("click", () => void show(asked));
      body.replaceChildren(
        create("p", { className: "problem", role: "alert" }, (error as Error).message),
        create("p", {}, retry),
      );
    }
    body.ariaBusy = "false";
  };

  return {
    show,
    clear,
    get subject() {
      return subject;
    },
  };
}

function describe(
  { sample }: Subject,
  check: Check,
  heldOut: Float32Array | null,
  service: Service,
): HTMLElement[] {
  const { verdict, calibration } = check;
  const words = create(
    "div",
    { className: "words" },
    create("p", { className: `verdict ${verdict}` }, VERDICTS[verdict]),
    create("p", { className: "quiet" }, explain(check)),
  );
  const parts =
    "picture" in sample
      ? [words, ...sideBySide(sample.picture, check.neighbours, service)]
      : [words, listVectors(sample.vector, check.neighbours)];
  if (heldOut) {
    parts.push(
      create(
        "figure",
        {},
        create("figcaption", {}, `Among ${grouped(calibration.heldOut)} real examples`),
        plotAmongHeldOut(heldOut, check),
      ),
    );
  }
  const aligned = calibration.statistic === "aligned-ratio" ? "once aligned, " : "";
  parts.push(
    definitions([
      ["p-value", short(check.pValue)],
      ["Distance to the nearest", short(check.distance)],
      [`… ${aligned}relative to the ${calibration.neighbourhood} nearest`, short(check.ratio)],
      [
        "Authentic",
        `${check.authentic ? "yes, farther from" : "no, nearer to"} it than it lies from the rest`,
      ],
    ]),
    create("p", { className: "note", id: "note" }, check.note),
  );
  return parts;
}

/** The picture, the training example that is compared with it, and their difference; then all that are near. */
function sideBySide(picture: Picture, neighbours: readonly Neighbour[], service: Service): HTMLElement[] {
  const [own, other, between] = [create("canvas"), create("canvas"), create("canvas")];
  const caption = create("figcaption");
  paint(own, picture);
  for (const canvas of [other, between])
    Object.assign(canvas, { width: picture.width, height: picture.height });
  own.ariaLabel = "This one";
  between.ariaLabel = "The difference: orange where this one is brighter, blue where it is darker";
  for (const canvas of [own, other, between]) canvas.role = "img";
  let shown = -1;

  const compare = async (chosen: number) => {
    const neighbour = neighbours[chosen]!;
    shown = chosen;
    for (const [i, button] of buttons.entries()) button.ariaPressed = String(i === chosen);
    other.ariaLabel = `Training example ${neighbour.index}`;
    caption.textContent = `Training example ${nameOf(neighbour)}`;
    try {
      const response = await service.get(`train/${neighbour.index}.png`);
      const training = await pictureIn(response, picture.channels);
      if (shown !== chosen) return;
      paint(other, training);
      between.getContext("2d")!.putImageData(difference(picture, training), 0, 0);
    } catch (error) {
      if (shown === chosen) caption.textContent = (error as Error).message;
    }
  };
  const buttons = neighbours.map((neighbour, i) => {
    const image = create("img", {
      src: service.address(`train/${neighbour.index}.png`),
      alt: "",
      width: picture.width,
      height: picture.height,
    });
    const button = create(
      "button",
      {
        type: "button",
        ariaPressed: "false",
        ariaLabel: `Compare with training example ${describeNeighbour(neighbour)}`,
      },
      image,
      create("span", {}, short(neighbour.distance)),
    );
    button.addEventListener("click", () => void compare(i));
    return button;
  });
  void compare(0);
  const list = create(
    "div",
    { className: "neighbours", role: "group", ariaLabel: "Nearest training examples" },
    ...buttons,
  );
  return [
    create(
      "div",
      { className: "compared" },
      create("figure", {}, own, create("figcaption", {}, "This one")),
      create("figure", {}, other, caption),
      create(
        "figure",
        {},
        between,
        create(
          "figcaption",
          {},
          "Difference: ",
          create("i", { className: "brighter" }, "brighter"),
          ", ",
          create("i", { className: "darker" }, "darker"),
        ),
      ),
    ),
    create("h3", {}, "Nearest training examples, by distance"),
    list,
  ];
}

function nameOf({ index, label }: Pick<Neighbour, "index" | "label">): string {
  return `#${index}${label === null ? "" : `, class ${label}`}`;
}

function describeNeighbour({ index, label, distance }: Neighbour): string {
  return `${nameOf({ index, label })}, at ${short(distance)}`;
}

function listVectors(vector: readonly number[], neighbours: readonly Neighbour[]): HTMLElement {
  const point = (numbers: readonly number[]) => `(${numbers.map(short).join(", ")})`;
  return create(
    "div",
    {},
    create("p", {}, `At ${point(vector)}. Nearest training examples:`),
    create(
      "ol",
      { className: "vectors" },
      ...neighbours.map((neighbour) =>
        create("li", {}, `${point(neighbour.vector ?? [])}, ${describeNeighbour(neighbour)}`),
      ),
    ),
  );
}

function explain({ verdict, pValue, calibration: { heldOut, alpha, method } }: Check): string {
  const kind =
    method === "held-out"
      ? "real examples that were not trained on"
      : "training examples, against the others,";
  const among = `${percent(pValue)} of ${grouped(heldOut)} ${kind}`;
  switch (verdict) {
    case "copy":
      return `Only ${among} come this near to a training example, for their neighbourhood; below ${percent(alpha)} counts as a copy.`;
    case "close":
      return `${among} come this near to a training example, for their neighbourhood: unusual, but short of the ${percent(alpha)} of a copy.`;
    case "novel":
      return `No nearer to a training example than real examples are: ${among} come as near, for their neighbourhood.`;
  }
}

/** Of models that were exported without training rows. */
export function explainNoTrainingExamples({ name }: Manifest): string {
  return (
    `The model ${name} was exported without its training examples, so there is nothing to compare with. ` +
    "Exported with export.trainingRows=true, it can be checked."
  );
}
