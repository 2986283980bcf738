import { expect } from "vitest";

/** What JSX comes to, as text. */
export const markup = (element: unknown): string => String(element);

/** Every value of an attribute. */
export function valuesOf(html: string, attribute: string): string[] {
  return [...html.matchAll(new RegExp(` ${attribute}="([^"]*)"`, "g"))].map(([, value]) => value as string);
}

/** The wide one of a chart's two pictures. */
export function widePicture(html: string): string {
  const start = html.indexOf('<svg class="plot wide"');
  return html.slice(start, html.indexOf("</svg>", start));
}

/** Checks what holds of every chart: it is drawn from numbers, has words for who cannot see it, and ids of its own. */
export function expectSound(html: string): void {
  expect(html).not.toMatch(/NaN|Infinity|undefined|\[object/);
  const pictures = html.match(/<svg[^>]*role="img"[^>]*>/g) ?? [];
  expect(pictures.length).toBeGreaterThan(0);
  for (const picture of pictures) expect(picture).toMatch(/aria-label(ledby)?="[^"]+"/);
  const ids = valuesOf(html, "id");
  expect(new Set(ids).size).toBe(ids.length);
  for (const named of valuesOf(html, "aria-labelledby").flatMap((names) => names.split(" ")))
    expect(ids).toContain(named);
}
