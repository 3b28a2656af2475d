/** The snippets of what is on the screen, each with a button that copies it. */

import { copyButton } from "./copy-button.ts";
import { create, element } from "./dom.ts";
import { type Screen, type Snippet, snippetsOf } from "./snippets.ts";

/** @param screen asked when the dialog opens */
export function wireCodeDialog(screen: () => Screen): void {
  const dialog = element<HTMLDialogElement>("code-dialog");
  const body = element("code-body");
  const languages = element("code-languages");
  let language: Snippet["language"] = "curl";

  const show = () => {
    const snippets = snippetsOf(screen());
    const offered = [...new Set(snippets.map((snippet) => snippet.language))];
    if (!offered.includes(language)) language = offered[0]!;
    languages.replaceChildren(
      ...offered.map((each) => {
        const button = create("button", { type: "button", ariaPressed: String(each === language) }, each);
        button.addEventListener("click", () => {
          language = each;
          show();
          languages.querySelector<HTMLElement>('[aria-pressed="true"]')!.focus();
        });
        return button;
      }),
    );
    body.replaceChildren(
      ...snippets
        .filter((snippet) => snippet.language === language)
        .map(({ title, text }) =>
          create(
            "section",
            {},
            create(
              "header",
              {},
              create("h3", {}, title),
              copyButton("Copy", () => text),
            ),
            // Long lines scroll, by keys too.
            create(
              "pre",
              { tabIndex: 0, role: "region", ariaLabel: `${title}, ${language}` },
              create("code", {}, text),
            ),
          ),
        ),
    );
  };
  element("code").addEventListener("click", () => {
    show();
    dialog.showModal();
  });
  element("code-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
