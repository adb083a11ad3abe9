/**
 * Colour arithmetic for checking the tokens: contrast as WCAG 2 counts it, and distances between
 * colours as people with a colour-vision deficiency see them.
 */
export type Rgb = readonly [number, number, number];

/** "#2B5FD0" as linear light, each channel from 0 to 1. */
export function linearRgb(hex: string): Rgb {
  const channel = (at: number) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function luminance(hex: string): number {
  const [r, g, b] = linearRgb(hex);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

type Matrix = readonly [Rgb, Rgb, Rgb];

/** How linear light is seen at full severity (Machado, Oliveira, Fernandes 2009, table 1). */
export const VISIONS: Record<string, Matrix> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function times(matrix: Matrix, vector: Rgb): Rgb {
  const row = (r: Rgb) => r[0] * vector[0] + r[1] * vector[1] + r[2] * vector[2];
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

/** Linear light in OKLab (Ottosson 2020), where distances are about as large as they look. */
function oklab(light: Rgb): Rgb {
  const cone = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    light,
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    [Math.cbrt(cone[0]), Math.cbrt(cone[1]), Math.cbrt(cone[2])],
  );
}

/** How far apart two colours look with a vision, in hundredths of OKLab. */
export function distance(a: string, b: string, vision: string): number {
  const matrix = VISIONS[vision];
  if (!matrix) throw new Error(`vision: '${vision}' is not one of ${Object.keys(VISIONS).join(", ")}`);
  const seen = (hex: string) => {
    const [r, g, bl] = times(matrix, linearRgb(hex));
    const within = (x: number) => Math.min(1, Math.max(0, x));
    return oklab([within(r), within(g), within(bl)]);
  };
  const [x, y] = [seen(a), seen(b)];
  return 100 * Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}
