/** Of a request to /sample. */
export const MAX_SAMPLES = 64;
/** Of every sample. */
export const MAX_TEMPERATURE = 2;
