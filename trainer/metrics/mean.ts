/** The mean of some numbers and its standard error, s/√n with the population's standard deviation, as NumPy's `std`. */
export function meanWithError(values: Float64Array): { mean: number; error: number } {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { mean, error: Math.sqrt(variance / count) };
}
