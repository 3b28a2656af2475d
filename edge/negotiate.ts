/**
 * The offered media type that an Accept header likes best, or null if it likes none.
 *
 * Each offer has the quality of the most specific range that covers it (RFC 9110, §12.5.1). Of equal
 * qualities the more specifically asked for wins, then the earlier offer.
 */
export function negotiate<T extends string>(accept: string | null, offers: readonly T[]): T | null {
  if (!accept?.trim()) return offers[0] ?? null;
  const ranges = accept.split(",").map((item) => {
    const [range = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    return { range, quality: quality ? Number(quality.slice(2)) || 0 : 1 };
  });
  let best: { offer: T; quality: number; specificity: number } | null = null;
  for (const offer of offers) {
    const candidates = [offer, `${offer.split("/")[0]}/*`, "*/*"];
    const matches = candidates.map((candidate) => ranges.find(({ range }) => range === candidate));
    const specificity = matches.findIndex((match) => match !== undefined);
    const quality = matches[specificity]?.quality ?? 0;
    if (quality === 0) continue;
    if (!best || quality > best.quality || (quality === best.quality && specificity < best.specificity)) {
      best = { offer, quality, specificity };
    }
  }
  return best?.offer ?? null;
}
