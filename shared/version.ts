/** The project's version: package.json's, of which everything else would come along into the Worker. */
export const version = "0.1.0";
