/**
 * Text that may quote what others wrote, as one line: characters that break lines or control a terminal are shown as
 * escapes.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code === 0x0a ? "\\n" : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
