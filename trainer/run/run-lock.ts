/**
 * One process at a time on a run folder. The lock is a file that names its owner by host, process id and the
 * time that the process began, so that a process that got a dead one's id isn't taken for it.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../input-error.ts";

const FILE = "lock.json";
const HEIR = /^lock\.json(\.[0-9a-f]{12})+$/;

const ownerSchema = z.object({ host: z.string(), pid: z.number().int().positive(), began: z.string() });

type Owner = z.infer<typeof ownerSchema>;

/**
 * Takes the lock of a run folder, also over from a process that is dead. It is held until `unlockRun`, or until
 * the process ends.
 *
 * @throws InputError naming the process that holds it
 */
export async function lockRun(folder: string): Promise<void> {
  const mine = thisProcess();
  const holder = await take(join(folder, FILE), mine);
  if (holder) {
    throw new InputError(
      `--resume: ${folder} is in use by process ${holder.pid} on ${holder.host}. ` +
        `Wait for it or stop it${holder.host === mine.host ? "" : `; if it is gone, delete ${FILE}`}.`,
    );
  }
  await removeHeirs(folder);
  if (held.size === 0) process.on("exit", unlockAll);
  held.add(folder);
}

/**
 * Makes `file` this process's. A dead process's is replaced by whoever holds the lock that is named after what the dead
 * one wrote, so that of many who see it dead one takes over, and the file is never missing meanwhile. That lock is
 * taken in the same way: its holder may have died, too.
 *
 * @returns the living process that it belongs to; null: it is ours
 */
async function take(file: string, mine: Owner): Promise<Owner | null> {
  const temporary = `${file}.${mine.pid}`;
  try {
    await writeFile(temporary, JSON.stringify(mine));
    while (!(await linkNew(temporary, file))) {
      const text = readText(file);
      if (text === null) continue; // its owner has just let go
      const owner = parseOwner(text);
      if (owner && isSame(owner, mine)) return null;
      if (owner && (owner.host !== mine.host || beginningOf(owner.pid) === owner.began)) return owner;
      const heir = `${file}.${fingerprint(text)}`;
      const otherHeir = await take(heir, mine);
      if (otherHeir) return otherHeir;
      try {
        // Nobody comes back from the dead, so what reads otherwise was taken over before, and has to be asked anew.
        if (readText(file) === text) {
          await rename(temporary, file);
          return null;
        }
      } finally {
        await rm(heir, { force: true });
      }
    }
    return null;
  } finally {
    await rm(temporary, { force: true });
  }
}

function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** What was left by processes that died while they took over; whoever is about to finds that it is too late. */
async function removeHeirs(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (HEIR.test(name)) await rm(join(folder, name), { force: true });
  }
}

const held = new Set<string>();

function unlockAll(): void {
  for (const folder of held) unlockRun(folder);
}

/** Gives the lock back, if this process holds it. */
export function unlockRun(folder: string): void {
  const file = join(folder, FILE);
  const owner = parseOwner(readText(file) ?? "");
  if (!owner || !isSame(owner, thisProcess())) return;
  try {
    rmSync(file, { force: true });
  } catch {
    // On a disk that went read-only it stays; its owner will be known as dead.
  }
}

/** Whether `path` is new; a file that is there stays. The new one is whole from its first moment. */
async function linkNew(source: string, path: string): Promise<boolean> {
  try {
    await link(source, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    // A file system without links.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "ENOSYS") throw error;
    const text = await readFile(source, "utf8");
    return writeFile(path, text, { flag: "wx" }).then(
      () => true,
      (reason: NodeJS.ErrnoException) => {
        if (reason.code === "EEXIST") return false;
        throw reason;
      },
    );
  }
}

let known: Owner | null = null;

function thisProcess(): Owner {
  known ??= { host: hostname(), pid: process.pid, began: beginningOf(process.pid) ?? "unknown" };
  return known;
}

function isSame(a: Owner, b: Owner): boolean {
  return a.host === b.host && a.pid === b.pid && a.began === b.began;
}

/**
 * When the process began, in the system's own terms; null: there is none, or it has ended and only waits for its
 * parent to notice.
 */
export function beginningOf(pid: number): string | null {
  if (process.platform !== "linux") return beginningByPs(pid);
  // The name, second, may hold spaces and brackets itself. After it: 0 is the state, 19 the time since boot.
  const fields = readText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, "")
    .split(" ");
  if (!fields || fields[0] === "Z" || fields[0] === "X") return null;
  return `${readText("/proc/sys/kernel/random/boot_id")?.trim()} ${fields[19]}`;
}

function beginningByPs(pid: number): string | null {
  try {
    return (
      execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: "pipe" }).trim() ||
      null
    );
  } catch {
    return null;
  }
}

function parseOwner(text: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
