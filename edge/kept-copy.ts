/** A copy of something in storage that may be replaced there. */

export interface Tagged<T> {
  readonly value: T;
  /** Names this content among all that the file has had; null: unknown. */
  readonly tag: string | null;
}

/** Told of work that outlives the request which began it. */
export type KeepAlive = (work: Promise<unknown>) => void;

export interface KeptCopy<T> {
  /**
   * Reads at the first call. Later a copy that has become old is given all the same, while a newer one is read behind
   * the request's back.
   */
  get(keepAlive: KeepAlive): Promise<T>;
  /** What was given may be outdated: the next `get` looks before it answers. */
  doubt(): void;
}

/**
 * @param read      given the copy that is there already, or null; may return that one
 * @param refreshMs after how long a copy is old; null: never
 */
export function keepCopy<T>(
  read: (current: Tagged<T> | null) => Promise<Tagged<T>>,
  refreshMs: number | null,
): KeptCopy<T> {
  let current: Promise<Tagged<T>> | null = null;
  let askedAt = 0;
  let isDoubted = false;

  const load = () => {
    const reading = read(null).catch((error: unknown) => {
      if (current === reading) current = null;
      throw error;
    });
    return reading;
  };
  /** Falls back to the copy that is there, which may still serve; the next look is after refreshMs. */
  const refresh = async (old: Promise<Tagged<T>>) => {
    const copy = await old;
    return read(copy).catch((error: unknown) => {
      console.error(error instanceof Error ? error.message : error);
      return copy;
    });
  };
  const replace = async (old: Promise<Tagged<T>>) => {
    const newer = await refresh(old);
    if (current === old) current = Promise.resolve(newer);
  };

  return {
    async get(keepAlive) {
      const isOld = refreshMs !== null && Date.now() - askedAt >= refreshMs;
      if (!current || isDoubted || isOld) askedAt = Date.now();
      if (!current) current = load();
      else if (isDoubted) current = refresh(current);
      else if (isOld) keepAlive(replace(current));
      isDoubted = false;
      return (await current).value;
    },
    doubt() {
      isDoubted = true;
    },
  };
}
