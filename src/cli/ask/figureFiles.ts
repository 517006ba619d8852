// Where the figures of a conversation go, as PNG files named by turn and place.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import type { RgbImage } from "../../core/image.ts";

export class FigureFiles {
  private made: string | undefined;

  /** @param dir made when the first figure is saved; left out: a new folder among the machine's temporary ones */
  constructor(private readonly dir: string | undefined) {}

  /** @returns the file's path */
  save({ width, height, data }: RgbImage, turn: number, figure: number): string {
    const path = join(this.folder(), `turn${turn}-figure${figure}.png`);
    writeFileSync(path, encode({ width, height, data, channels: 3 }));
    return path;
  }

  private folder(): string {
    if (this.made === undefined) {
      this.made = this.dir ?? mkdtempSync(join(tmpdir(), "pyvision-ask-"));
      mkdirSync(this.made, { recursive: true });
    }
    return this.made;
  }
}
