/**
 * An arm by its place: `champion`, `challenger`, and of several challengers `challenger-2` and so on.
 *
 * @param place 0 the champion's, j the j-th challenger's
 */
export function armName(place: number): string {
  if (place === 0) return "champion";
  return place === 1 ? "challenger" : `challenger-${place}`;
}
