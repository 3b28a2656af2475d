/** What is shown in a model's place where there is none. */

import { create, element } from "./dom.ts";
import { servedModels } from "./service.ts";

/** @param reason what the server said */
export async function showMissingModel(reason: string): Promise<void> {
  document.title = "No such model · imle-edge";
  element("title").textContent = "There is no model here";
  document
    .querySelector("main")!
    .replaceChildren(create("p", { className: "problem", role: "alert" }, reason));
  for (const each of document.querySelectorAll<HTMLElement>(".top nav, .tools")) each.hidden = true;
  const models = await servedModels().catch(() => []);
  document
    .querySelector("main")!
    .append(
      create("p", {}, models.length > 0 ? "These are served:" : "No model is served."),
      create("ul", {}, ...models.map(({ name, url }) => create("li", {}, create("a", { href: url }, name)))),
    );
}
