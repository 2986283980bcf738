export type NigParameters = readonly [number, number, number, number];
export const nigPosterior = (i: {
  prior: NigParameters;
  n: number;
  mean: number;
  ss: number;
}): NigParameters => i.prior;
export const nigProbGreater = (_: { X: NigParameters; Y: NigParameters; shift: number }): number => 0.5;
export const nigDiffInterval = (_: {
  X: NigParameters;
  Y: NigParameters;
  level: number;
}): readonly [number, number] => [0, 1];
