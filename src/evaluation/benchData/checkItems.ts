import { DataError } from "../../core/errors.ts";
import type { Reporter } from "../../core/reporter.ts";
import { benchmarks } from "../../tasks/benchmarks/all.ts";
import type { BenchmarkName } from "../../tasks/benchmarks/item.ts";
import { lookForMedia } from "../../tasks/benchmarks/row.ts";

/**
 * Opens what was fetched as an evaluation will, and looks at every item; pictures are looked for, and those of the first decoded.
 * @returns how many there are
 * @throws DataError when they are not as many as published, or some cannot be asked
 */
export function checkItems(name: BenchmarkName, folder: string, reporter: Reporter): number {
  const { title, open } = benchmarks[name];
  const files = open(folder);
  const progress = reporter.start(`checking ${name}`, files.count, "items");
  try {
    if (files.count !== files.published)
      throw new DataError(
        `${folder}: ${title} has ${files.count} items there instead of the ${files.published} published; ` +
          "take the folder away and fetch it again, or name another --revision",
      );
    const broken: string[] = [];
    for (let i = 0; i < files.count; i++) {
      try {
        const item = files.at(i);
        lookForMedia(item);
        if (i === 0) item.images.forEach(() => {});
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        broken.push(error.message);
      }
      progress.advance();
    }
    if (broken.length === 0) return files.count;
    throw new DataError(
      `${folder}: ${broken.length} of ${files.count} items of ${title} cannot be asked; the first: ${broken[0]}`,
    );
  } finally {
    progress.end();
    files.close();
  }
}
