// The few pieces of SVG that the charts are made of.

export interface TextStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: string;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const weight = style.weight === undefined ? "" : ` font-weight="${style.weight}"`;
  const anchor = style.anchor === undefined ? "" : ` text-anchor="${style.anchor}"`;
  return (
    `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${style.size ?? 12}"${weight}${anchor} ` +
    `fill="${style.fill ?? "#222222"}">${escapeXml(content)}</text>`
  );
}

/** Swatches with labels in lines no wider than `width` px (widths of letters are estimated). */
export function legend(
  labels: readonly string[],
  colourOf: (label: string) => string,
  width: number,
): { readonly height: number; readonly svg: string } {
  const lineHeight = 20;
  let x = 4;
  let y = 12;
  const entries = labels.map((label) => {
    const entryWidth = 30 + label.length * 7;
    if (x > 4 && x + entryWidth > width) [x, y] = [4, y + lineHeight];
    const swatch = `<path d="M${x},${y - 4}h16" stroke="${colourOf(label)}" stroke-width="3" stroke-linecap="round"/>`;
    const entry = swatch + text(x + 22, y, label);
    x += entryWidth + 12;
    return entry;
  });
  return { height: y + 8, svg: entries.join("") };
}

/** Colours of the charts on a light ground, and what takes their place where the reader's ground is dark. */
const darkColours: Readonly<Record<string, string>> = {
  "#ffffff": "#14171c",
  "#222222": "#e4e7eb",
  "#666666": "#a9b0b9",
  "#999999": "#7d8590",
  "#e6e6e6": "#2c323a",
  "#0072b2": "#4cb0ee",
  "#d55e00": "#ff8f45",
  "#009e73": "#35cfa2",
  "#cc79a7": "#e59bc6",
  "#e69f00": "#f5bd4a",
  "#56b4e9": "#8fd0f7",
  "#000000": "#ffffff",
};

/**
 * A style that turns these colours on a dark screen, for an `<svg class="themed">`. Rules of a style sheet go before attributes, so
 * that a program without style sheets draws the light picture.
 */
export const themeStyle = `<style>@media(prefers-color-scheme:dark){${Object.entries(darkColours)
  .map(
    ([light, dark]) => `.themed [fill="${light}"]{fill:${dark}}.themed [stroke="${light}"]{stroke:${dark}}`,
  )
  .join("")}}</style>`;

/** At most two digits after the point, as short as they come. */
export function fixed(value: number): string {
  return String(Math.round(value * 100) / 100);
}

export function escapeXml(content: string): string {
  return content
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/"/g, "&quot;");
}
