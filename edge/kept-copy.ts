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
  let copy: Tagged<T> | null = null;
  let reading: Promise<Tagged<T>> | null = null;
  let askedAt = 0;
  let isDoubted = false;

  /**
   * Reads, or joins those who are reading. It begins at once: what began when another request's promise settles would be
   * that request's work, and end with it in Workers, never to settle.
   */
  const look = () => {
    if (reading) return reading;
    askedAt = Date.now();
    isDoubted = false;
    const old = copy;
    reading = read(old)
      .then(
        (newer) => (copy = newer),
        (error: unknown) => {
          if (!old) throw error;
          // What is there may still serve; the next look is after refreshMs.
          console.error(error instanceof Error ? error.message : error);
          return old;
        },
      )
      .finally(() => {
        reading = null;
      });
    return reading;
  };

  return {
    async get(keepAlive) {
      if (!copy || isDoubted) return (await look()).value;
      const isOld = refreshMs !== null && Date.now() - askedAt >= refreshMs;
      if (isOld) keepAlive(look());
      return copy.value;
    },
    doubt() {
      isDoubted = true;
    },
  };
}
