// Text tables whose columns line up: words to the left, numbers to the right.

export type Cell = string | number | undefined;

export interface Column {
  readonly title: string;
  /** Digits after the point of number cells; by default numbers stand as they are. */
  readonly digits?: number;
  /** By default right when every filled cell is a number. */
  readonly align?: "left" | "right";
}

/**
 * Lines of a table with a rule under the titles; no newline at the end. A missing or NaN cell is "–".
 * @throws RangeError when a row has another number of cells than there are columns
 */
export function renderTable(
  columns: readonly (Column | string)[],
  rows: readonly (readonly Cell[])[],
): string {
  const specs = columns.map((column): Column => (typeof column === "string" ? { title: column } : column));
  for (const row of rows)
    if (row.length !== specs.length)
      throw new RangeError(`internal: table row has ${row.length} cells for ${specs.length} columns`);
  const texts = rows.map((row) => row.map((cell, i) => cellText(cell, specs[i]?.digits)));
  const widths = specs.map((spec, i) =>
    Math.max(textWidth(spec.title), ...texts.map((row) => textWidth(row[i] ?? ""))),
  );
  const rights = specs.map(
    (spec, i) =>
      (spec.align ??
        (rows.length > 0 && rows.every((row) => typeof row[i] !== "string") ? "right" : "left")) === "right",
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, i) => {
        const gap = " ".repeat((widths[i] ?? 0) - textWidth(text));
        return rights[i] === true ? gap + text : text + gap;
      })
      .join("  ")
      .trimEnd();
  return [
    line(specs.map((spec) => spec.title)),
    widths.map((w) => "─".repeat(w)).join("  "),
    ...texts.map(line),
  ].join("\n");
}

/**
 * A GitHub table as Prettier lays it out.
 * @param isLeft which columns stand to the left: by default the first, all others to the right
 */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  isLeft: (column: number) => boolean = (column) => column === 0,
): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => textWidth(row[i] ?? ""))));
  const line = (row: readonly string[]): string => {
    const padded = row.map((cell, i) => {
      const gap = " ".repeat((widths[i] ?? 0) - textWidth(cell));
      return isLeft(i) ? cell + gap : gap + cell;
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = line(widths.map((width, i) => (isLeft(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)));
  const [first, ...body] = cells.map(line);
  return [first, rule, ...body, ""].join("\n");
}

function cellText(cell: Cell, digits: number | undefined): string {
  if (cell === undefined || (typeof cell === "number" && Number.isNaN(cell))) return "–";
  if (typeof cell === "string") return cell.replace(/\s*\n\s*/g, " ");
  return digits === undefined ? String(cell) : cell.toFixed(digits);
}

/** Code points, which is what a terminal shows for the characters we print. */
function textWidth(text: string): number {
  return [...text].length;
}
