import { InputError } from "../../input-error.ts";

/** @throws InputError if examples have too many numbers for covariances of all with all */
export function checkLength(objective: string, length: number, most: number): void {
  if (length <= most) return;
  throw new InputError(
    `config: objective "${objective}" fits examples of up to ${most} numbers, these have ${length}. ` +
      `Fit it to learned codes: --objective glann --set objective.mapObjective=${objective}.`,
  );
}
