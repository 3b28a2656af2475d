import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

/** A fresh process, from whose `util` that is gone which newer versions of Node don't have. */
function onNewerNode(code: string): string {
  const setUp = `
    const util = require("node:util");
    for (const name of ["isNullOrUndefined", "isArray"]) delete util[name];
    const shim = ${JSON.stringify(new URL("../trainer/engine/tfjs/legacy-util.ts", import.meta.url).href)};
  `;
  return execFileSync(process.execPath, ["--no-warnings", "--eval", setUp + code], { encoding: "utf8" });
}

/** As @tensorflow/tfjs-node's CommonJS calls them. */
const CALLS = `
  const util_1 = require("util");
  const call = () => [null, undefined, 0, ""].map(util_1.isNullOrUndefined).concat(util_1.isArray([]), util_1.isArray({}));
`;

test("what tfjs-node takes from Node's util is put back where it is gone", () => {
  const printed = onNewerNode(`${CALLS}
    try { call(); console.log("not gone"); } catch { console.log("gone"); }
    import(shim).then(({ restoreLegacyUtil }) => { restoreLegacyUtil(); console.log(call().join()); });
  `);
  expect(printed).toBe("gone\ntrue,true,false,false,true,false\n");
});

test("what is there stays as it is", () => {
  const printed = onNewerNode(`
    util.isArray = () => "Node's own";
    import(shim).then(({ restoreLegacyUtil }) => { restoreLegacyUtil(); console.log(util.isArray([])); });
  `);
  expect(printed).toBe("Node's own\n");
});
