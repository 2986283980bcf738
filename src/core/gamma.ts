export const gammaProbGreater = (_: { aX: number; rX: number; aY: number; rY: number }): number => 0.5;
export const gammaQuantile = (_: { a: number; r: number; p: number }): number => 1;
export const gammaRatioInterval = (_: {
  aX: number;
  rX: number;
  aY: number;
  rY: number;
  level: number;
}): readonly [number, number] => [0, 1];
