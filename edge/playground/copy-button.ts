/** Buttons that copy a text, and say whether they could. */

import { create } from "./dom.ts";

const SAID_MS = 1600;

/** @param text asked when it is pressed */
export function copyButton(name: string, text: () => string): HTMLButtonElement {
  const button = create("button", { type: "button", className: "copy" }, name);
  wireCopy(button, text);
  return button;
}

export function wireCopy(button: HTMLButtonElement, text: () => string): void {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    // Pages that were not loaded securely have no clipboard.
    const isCopied = await (navigator.clipboard?.writeText(text()) ?? Promise.reject()).then(
      () => true,
      () => false,
    );
    button.textContent = isCopied ? "Copied" : "Can't copy here";
    setTimeout(() => (button.textContent = name), SAID_MS);
  });
}
