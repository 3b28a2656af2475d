/** The CRC-32 of every file of a zip archive, which fflate reads over. */

const END = 0x06054b50;
const END_BYTES = 22;
const END_64_LOCATOR_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const IN_ZIP64 = 0xffffffff;

/**
 * By the files' names, as the archive's central directory tells them (APPNOTE.TXT §4.3.12).
 *
 * @throws RangeError if the directory is cut
 */
export function zipChecksums(bytes: Uint8Array): ReadonlyMap<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const checksums = new Map<string, number>();
  for (let at = directoryStart(view); view.getUint32(at, true) === ENTRY; ) {
    const nameEnd = at + ENTRY_BYTES + view.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + ENTRY_BYTES, nameEnd));
    checksums.set(name, view.getUint32(at + 16, true));
    at = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return checksums;
}

function directoryStart(view: DataView): number {
  const earliest = Math.max(0, view.byteLength - END_BYTES - MAX_COMMENT_BYTES);
  for (let end = view.byteLength - END_BYTES; end >= earliest; end--) {
    if (view.getUint32(end, true) !== END) continue;
    const start = view.getUint32(end + 16, true);
    if (start !== IN_ZIP64) return start;
    const end64 = Number(view.getBigUint64(end - END_64_LOCATOR_BYTES + 8, true));
    return Number(view.getBigUint64(end64 + 48, true));
  }
  throw new RangeError("no end of a central directory");
}
