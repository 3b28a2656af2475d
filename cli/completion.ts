/** What shells are told while one types: paths, where commands take paths. The rest follows from the commands. */

import { readdirSync } from "node:fs";
import type { Complete, RootCommand } from "@bomb.sh/tab";

const PATH_OPTIONS = ["data", "out", "resume"];
const PATH_ARGUMENTS = ["bundle", "folder", "runs"];

/** Completes the paths of all commands: shells leave it to who answers at all. */
export function completePaths({ commands }: RootCommand): void {
  for (const command of commands.values()) {
    for (const name of PATH_OPTIONS) {
      const option = command.options.get(name);
      if (option) option.handler = (complete) => listPaths(wordBeingTyped(), complete);
    }
    for (const name of PATH_ARGUMENTS) {
      const argument = command.arguments.get(name);
      if (argument) argument.handler = (complete) => listPaths(wordBeingTyped(), complete);
    }
  }
}

function wordBeingTyped(): string {
  return process.argv.at(-1) ?? "";
}

/** What lies where the word's last slash is; what is hidden, only if the word begins with a dot. */
function listPaths(word: string, complete: Complete): void {
  const folder = word.slice(0, word.lastIndexOf("/") + 1);
  try {
    for (const entry of readdirSync(folder || ".", { withFileTypes: true })) {
      const isHidden = entry.name.startsWith(".") && !word.slice(folder.length).startsWith(".");
      if (!isHidden) complete(folder + entry.name + (entry.isDirectory() ? "/" : ""), "");
    }
  } catch {
    // There is no such folder, and so nothing to name.
  }
}
