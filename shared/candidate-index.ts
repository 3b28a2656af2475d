/** What is kept in memory of every training row where the rows themselves don't fit: enough to name candidates. */

/** How many candidates of each kind. */
export interface CandidateCounts {
  /** Rows that may be nearest. */
  readonly nearest: number;
  /** Rows that may be nearest once they are aligned with the query. */
  readonly similar: number;
}

export interface Candidates {
  /** Row numbers, the likeliest first. */
  readonly nearest: Uint32Array<ArrayBuffer>;
  /** As above, identical rows counted once; none where rows are no images. */
  readonly similar: Uint32Array<ArrayBuffer>;
}

/** How far down an index's lists it is worth to look: every row may cost a page to be read. */
export interface CandidateDepth {
  /** Rows that are looked at for the nearest, at least. */
  readonly nearest: number;
  /** … and beyond those that are asked for. */
  readonly spare: number;
  /** The first of them, which are aligned with the query, … */
  readonly aligned: number;
  /** … and rows that are so because they are the most similar. */
  readonly similar: number;
}

export interface CandidateIndex {
  readonly memoryBytes: number;
  readonly depth: CandidateDepth;
  /** @param exclude a row to leave out */
  candidates(
    query: Uint8Array | Float32Array,
    counts: CandidateCounts,
    exclude?: number,
  ): Promise<Candidates>;
}
