// A picture of a report.

export interface Figure {
  /** File name, beside the Markdown. */
  readonly file: string;
  readonly alt: string;
  readonly svg: string;
}
