/**
 * What a picture's place among folders says of it: `<class>/….png`, or `train|val|test/<class>/….png` where the
 * data come with a split. Folders that all pictures lie in say nothing.
 */

export type PartName = "train" | "heldOut" | "test";

export interface PlacedPicture {
  /** Folders and file, "/" between them. */
  readonly name: string;
  readonly part: PartName;
  /** An index into the layout's classes; 0 where there are none. */
  readonly label: number;
}

export interface Layout {
  /** Training part first, then held-out, then test; by name within each. */
  readonly pictures: readonly PlacedPicture[];
  /** Names of the classes, sorted; null unless every picture has one and there are at least two. */
  readonly classes: readonly string[] | null;
}

const PICTURE_NAME = /\.(png|jpe?g|webp)$/i;
const PART_ORDER: readonly PartName[] = ["train", "heldOut", "test"];
const PART_OF_FOLDER: ReadonlyMap<string, PartName> = new Map([
  ["train", "train"],
  ["training", "train"],
  ["val", "heldOut"],
  ["valid", "heldOut"],
  ["validation", "heldOut"],
  ["test", "test"],
  ["testing", "test"],
]);
/** Labels are uint16. */
const MAX_CLASSES = 2 ** 16;

/**
 * The name of the picture at a path of an archive or folder; null if it isn't one, or lies where nobody looks:
 * in something hidden (macOS writes `._cat.png` beside `cat.png`), or outside, by way of "..".
 */
export function pictureName(path: string): string | null {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const isVisible = parts.every((part) => !part.startsWith("."));
  return isVisible && PICTURE_NAME.test(path) ? parts.join("/") : null;
}

/** Sorts pictures into parts and classes by name alone, so that the order in which they were found is no matter. */
export function layOut(names: Iterable<string>): Layout {
  const sorted = [...names].sort();
  const folders = withoutSharedFolders(sorted.map((name) => name.split("/").slice(0, -1)));
  const tops = folders.map(([top]) => PART_OF_FOLDER.get(top?.toLowerCase() ?? ""));
  const isSplit = tops.includes("train") && !tops.includes(undefined);

  const classNames = folders.map((path) => path[isSplit ? 1 : 0]);
  const unique = [...new Set(classNames)].sort();
  const hasClasses = !unique.includes(undefined) && unique.length > 1 && unique.length <= MAX_CLASSES;
  const labels = new Map(unique.map((name, label) => [name, label]));
  const pictures = sorted.map((name, i) => ({
    name,
    part: isSplit ? tops[i]! : ("train" as const),
    label: hasClasses ? labels.get(classNames[i])! : 0,
  }));
  return {
    pictures: PART_ORDER.flatMap((part) => pictures.filter((picture) => picture.part === part)),
    classes: hasClasses ? (unique as string[]) : null,
  };
}

/** Without the leading folders that all of them have. */
function withoutSharedFolders(folders: readonly string[][]): string[][] {
  const first = folders[0] ?? [];
  const shared = first.findIndex((name, depth) => folders.some((path) => path[depth] !== name));
  return shared === 0 ? [...folders] : folders.map((path) => path.slice(shared < 0 ? first.length : shared));
}
