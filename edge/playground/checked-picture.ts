/** A picture beside its nearest training examples. */

import { paint } from "../embed/images.ts";
import { create } from "./dom.ts";
import { short } from "./numbers.ts";
import { difference, pictureIn } from "./pixels.ts";
import type { Neighbour, Service } from "./service.ts";
import type { Picture } from "./sources.ts";
import { describeNeighbour, nameOf } from "./words.ts";

/** The picture, the training example that is compared with it, and their difference; then all that are near. */
export function sideBySide(
  picture: Picture,
  neighbours: readonly Neighbour[],
  service: Service,
): HTMLElement[] {
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
