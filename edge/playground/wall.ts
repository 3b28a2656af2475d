/** A wall of pictures, each a button. One Tab stop: arrow keys go from one to the next. */

import { paint } from "../embed/images.ts";
import { create } from "./dom.ts";
import type { Choose, Gallery } from "./gallery.ts";

/** CSS pixels: small pictures are shown at twice their size, all large enough for a finger. */
const TILE = { least: 56, most: 128 };

/** @param shape [height, width, channels] */
export function createWall([height, width]: readonly number[], choose: Choose): Gallery {
  const tile = Math.min(Math.max(2 * width!, TILE.least), TILE.most);
  const wall = create("div", { className: "wall" });
  wall.style.setProperty("--tile", `${tile}px`);
  wall.style.setProperty("--ratio", `${width} / ${height}`);
  const buttons: HTMLButtonElement[] = [];
  let current = 0;

  const focus = (index: number) => {
    buttons[current]!.tabIndex = -1;
    current = Math.min(Math.max(index, 0), buttons.length - 1);
    buttons[current]!.tabIndex = 0;
    buttons[current]!.focus();
  };
  wall.addEventListener("keydown", (event) => {
    const columns = getComputedStyle(wall).gridTemplateColumns.split(" ").length;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      Home: -current,
      End: buttons.length - 1 - current,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    focus(current + step);
  });

  const add = (): HTMLButtonElement => {
    const index = buttons.length;
    const canvas = create("canvas");
    const button = create(
      "button",
      { type: "button", className: "sample", ariaPressed: "false", tabIndex: index === current ? 0 : -1 },
      canvas,
    );
    button.addEventListener("click", () => {
      buttons[current]!.tabIndex = -1;
      current = index;
      button.tabIndex = 0;
      choose(index);
    });
    buttons.push(button);
    wall.append(button);
    return button;
  };

  return {
    element: wall,
    show(first, samples) {
      for (const [i, sample] of samples.entries()) {
        if (!("picture" in sample)) continue;
        const button = buttons[first + i] ?? add();
        paint(button.firstElementChild as HTMLCanvasElement, sample.picture);
        button.ariaLabel = `Sample ${first + i + 1}${sample.label === null ? "" : `, ${sample.label}`}`;
      }
    },
    truncate(count) {
      for (const button of buttons.splice(count)) button.remove();
      if (current < buttons.length) return;
      current = 0;
      if (buttons[0]) buttons[0].tabIndex = 0;
    },
    press(index) {
      for (const [i, button] of buttons.entries()) button.ariaPressed = String(i === index);
      if (index !== null) buttons[index]?.scrollIntoView({ block: "nearest" });
    },
    showTraining() {},
  };
}
