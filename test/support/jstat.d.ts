declare module "jstat" {
  interface Distribution {
    pdf(x: number, ...parameters: number[]): number;
    cdf(x: number, ...parameters: number[]): number;
    inv(p: number, ...parameters: number[]): number;
  }
  export const jStat: {
    readonly beta: Distribution;
    readonly normal: Distribution;
    readonly chisquare: Distribution;
    readonly gamma: Distribution;
    readonly studentt: Distribution;
  };
}
