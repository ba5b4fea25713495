// Smoothing as TensorBoard does it: an exponential moving average that does not lean on a beginning at 0.

/** The moving average of `values` with `weight` (0 to below 1) on what came before. What is no number stays none, and is
 * passed over. */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let [sum, seen] = [0, 0];
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    seen++;
    return sum / (1 - weight ** seen);
  });
}
