import { constants } from "node:os";

/**
 * Why the system's dynamic linker can't load a shared library; null if it can. It stays loaded, so only a process
 * that ends soon asks.
 */
export function loadFailure(name: string): string | null {
  try {
    process.dlopen({ exports: {} } as NodeJS.Module, name, constants.dlopen.RTLD_LAZY);
    return null;
  } catch (error) {
    const { message } = error as Error;
    // Loaded, and not an addon of Node's: which is all that was asked.
    return message.includes("self-register") ? null : message;
  }
}
