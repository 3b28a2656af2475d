import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { beginningOf, lockRun, unlockRun } from "../trainer/run/run-lock.ts";

const root = mkdtempSync(join(tmpdir(), "imle-lock-"));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
function newFolder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}
const lockIn = (folder: string) => join(folder, "lock.json");
const ownerIn = (folder: string) => JSON.parse(readFileSync(lockIn(folder), "utf8"));

/**
 * A process that takes the lock, says "held" or why not, and ends with its stdin.
 *
 * @param at milliseconds since 1970, before which it doesn't try
 */
function claim(folder: string, at = 0): { child: ChildProcess; answer: Promise<string> } {
  const module = fileURLToPath(new URL("../trainer/run/run-lock.ts", import.meta.url));
  const program = `import { lockRun } from ${JSON.stringify(module)};
    while (Date.now() < ${at});
    await lockRun(${JSON.stringify(folder)}).then(() => console.log("held"), (error) => console.log(error.message));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  return { child, answer: once(child.stdout!, "data").then(([data]) => String(data).trim()) };
}

test("a second process is refused by the first one's id and host, until that lets go", async () => {
  const folder = newFolder();
  await lockRun(folder);
  const second = claim(folder);
  expect(await second.answer).toBe(
    `--resume: ${folder} is in use by process ${process.pid} on ${hostname()}. Wait for it or stop it.`,
  );
  second.child.stdin!.end();
  unlockRun(folder);
  expect(readdirSync(folder)).toEqual([]);
  const third = claim(folder);
  expect(await third.answer).toBe("held");
  expect(ownerIn(folder)).toMatchObject({ pid: third.child.pid, host: hostname() });
  await expect(lockRun(folder)).rejects.toThrow(`process ${third.child.pid} on`);
  unlockRun(folder); // not ours
  expect(ownerIn(folder).pid).toBe(third.child.pid);
  third.child.stdin!.end();
  await once(third.child, "close");
  expect(readdirSync(folder)).toEqual([]);
});

test.for([1, 2, 3])(
  "what a killed process left is taken over by one of many, and only one: try %i",
  async () => {
    const folder = newFolder();
    const killed = claim(folder);
    expect(await killed.answer).toBe("held");
    killed.child.kill("SIGKILL");
    await once(killed.child, "close");
    expect(existsSync(lockIn(folder))).toBe(true);
    const inASecond = Date.now() + 1000;
    const claims = Array.from({ length: 6 }, () => claim(folder, inASecond));
    const answers = await Promise.all(claims.map(({ answer }) => answer));
    expect(answers.filter((answer) => answer === "held").length).toBe(1);
    expect(answers.filter((answer) => answer.includes("is in use by process")).length).toBe(5);
    for (const { child } of claims) child.stdin!.end();
    await Promise.all(claims.map(({ child }) => once(child, "close")));
    expect(readdirSync(folder)).toEqual([]);
  },
);

test("who dies while taking over is followed by the next, and leaves nothing", async () => {
  const folder = newFolder();
  const dead = () => ({ host: hostname(), pid: spawnSync(process.execPath, ["--version"]).pid, began: "1" });
  let lock = lockIn(folder);
  for (let generation = 0; generation < 3; generation++) {
    const text = JSON.stringify(dead());
    writeFileSync(lock, text);
    lock += `.${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
  }
  const parent = { host: hostname(), pid: process.ppid, began: beginningOf(process.ppid)! };
  writeFileSync(lock, JSON.stringify(parent));
  await expect(lockRun(folder)).rejects.toThrow(`in use by process ${process.ppid} on`);
  expect(readdirSync(folder).length).toBe(4);
  rmSync(lock);
  await lockRun(folder);
  expect(ownerIn(folder).pid).toBe(process.pid);
  expect(readdirSync(folder)).toEqual(["lock.json"]);
  unlockRun(folder);
});

test("whose lock it is: a process's that lives, not one's that got its id; another host's always", async () => {
  const parent = { host: hostname(), pid: process.ppid, began: beginningOf(process.ppid)! };
  expect(parent.began).toBeTruthy();
  const dead = spawnSync(process.execPath, ["--version"]).pid;
  expect(beginningOf(dead)).toBe(null);
  const lockedBy = async (owner: object | string) => {
    const folder = newFolder();
    writeFileSync(lockIn(folder), typeof owner === "string" ? owner : JSON.stringify(owner));
    await lockRun(folder);
    expect(ownerIn(folder).pid).toBe(process.pid);
    unlockRun(folder);
  };
  await expect(lockedBy(parent)).rejects.toThrow(/in use by process \d+ on .*Wait for it or stop it\.$/);
  await lockedBy({ ...parent, began: `${parent.began}0` });
  await lockedBy({ ...parent, pid: dead });
  await lockedBy("");
  await lockedBy("[1]");
  const elsewhere = { ...parent, pid: dead, host: "elsewhere" };
  await expect(lockedBy(elsewhere)).rejects.toThrow(/on elsewhere\. .*if it is gone, delete lock\.json\.$/);
});
