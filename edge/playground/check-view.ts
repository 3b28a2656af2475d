/** An example of one's own: a picture that is dropped, chosen, pasted or drawn, or the numbers of a vector. */

import { paint } from "../embed/images.ts";
import type { Subject } from "./check-panel.ts";
import { element } from "./dom.ts";
import { createDrawingPad } from "./drawing-pad.ts";
import { short } from "./numbers.ts";
import { acceptPictures, readPictureFile } from "./picture-file.ts";
import { borderBrightness, inverted } from "./pixels.ts";
import type { Service } from "./service.ts";
import type { Picture, Sample } from "./sources.ts";
import { explainNoTrainingExamples } from "./words.ts";

export interface CheckView {
  /** Tells what the data look like, by some samples: the first that it is told. */
  learn(samples: readonly Sample[]): void;
}

/** Mean brightness of its outermost pixels, below which a picture is light on dark, and above which dark on light. */
const DARK_BELOW = 85;
const LIGHT_ABOVE = 170;

/**
 * @param onSubject called with what is to be compared
 * @param onArrival called when a picture comes, wherever on the page it was dropped
 */
export function createCheckView(
  { manifest }: Service,
  onSubject: (subject: Subject) => void,
  onArrival: () => void,
): CheckView {
  const { output, neighbours } = manifest;
  const problem = element("check-problem");
  const said = element("check-said");
  const preview = element<HTMLCanvasElement>("check-preview");
  const invert = element<HTMLInputElement>("check-invert");
  const file = element<HTMLInputElement>("check-file");
  element("check-none").hidden = neighbours !== null;
  element("check-none").textContent = explainNoTrainingExamples(manifest);
  element("check-pictures").hidden = output.kind !== "image" || neighbours === null;
  element("check-numbers").hidden = output.kind !== "vector" || neighbours === null;
  let given: { readonly picture: Picture; readonly title: string } | null = null;
  let isDataDark = true;
  let hasLearned = false;

  const tellProblem = (text: string | null) => {
    problem.hidden = text === null;
    problem.textContent = text ?? "";
  };
  const compare = () => {
    if (!given) return;
    const picture = invert.checked ? inverted(given.picture) : given.picture;
    paint(preview, picture);
    element("check-given").hidden = false;
    onSubject({
      title: given.title,
      sample: { picture, label: null },
      example: { pixels: Array.from(picture.data) },
    });
  };
  invert.addEventListener("change", compare);

  if (output.kind === "vector") {
    watchNumbers(output.shape[0], onSubject, tellProblem);
    acceptPictures(
      () => {
        onArrival();
        tellProblem("This model draws vectors, so there are no pictures to compare with. Numbers can be.");
      },
      () => {},
    );
    return { learn() {} };
  }

  const read = async (blob: Blob) => {
    onArrival();
    if (neighbours === null) return;
    tellProblem(null);
    try {
      const { picture, said: done } = await readPictureFile(blob, output.shape);
      given = { picture, title: blob instanceof File && blob.name ? blob.name : "Your picture" };
      invert.checked = isDataDark && borderBrightness(picture) > LIGHT_ABOVE;
      said.textContent = invert.checked
        ? `${done} The data are light on dark and this isn't, so it is inverted.`
        : done;
      compare();
    } catch (error) {
      tellProblem((error as Error).message);
    }
  };
  acceptPictures(read, (isOver) => document.body.classList.toggle("dragging", isOver));
  file.addEventListener("change", () => {
    const [chosen] = file.files!;
    if (chosen) void read(chosen);
    file.value = "";
  });
  const pad = createDrawingPad(output.shape, (picture) => {
    tellProblem(null);
    given = { picture, title: "Your drawing" };
    invert.checked = false;
    said.textContent = `What you drew, as ${output.shape[1]} × ${output.shape[0]} pixels.`;
    compare();
  });
  pad.setGround(isDataDark);

  return {
    learn(samples) {
      if (hasLearned) return;
      hasLearned = true;
      const borders = samples.flatMap((sample) =>
        "picture" in sample ? [borderBrightness(sample.picture)] : [],
      );
      isDataDark = borders.reduce((sum, each) => sum + each, 0) / borders.length < DARK_BELOW;
      pad.setGround(isDataDark);
    },
  };
}

function watchNumbers(
  length: number,
  onSubject: (subject: Subject) => void,
  tellProblem: (text: string | null) => void,
): void {
  const input = element<HTMLInputElement>("check-vector");
  input.placeholder = Array.from({ length: Math.min(length, 3) }, (_, i) => `${i}.5`).join(", ");
  element("check-numbers").addEventListener("submit", (event) => {
    event.preventDefault();
    const vector = input.value
      .split(/[\s,;]+/)
      .filter((each) => each !== "")
      .map(Number);
    if (vector.length !== length || !vector.every(Number.isFinite)) {
      tellProblem(`Expected ${length} numbers, separated by commas.`);
      return;
    }
    tellProblem(null);
    onSubject({ title: `(${vector.map(short).join(", ")})`, sample: { vector }, example: { vector } });
  });
}
