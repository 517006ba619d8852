// `pyvision data check` on files of dialogues (ShareGPT), which `sft.data` reads.
import type { Reporter } from "../core/reporter.ts";
import { checkDialogues, type DialogueFinding } from "../tasks/formats/shareGptCheck.ts";

/** Prints every broken row. @returns whether nothing is wrong. @throws DataError when a file cannot be read at all */
export function checkDialogueFiles(
  paths: readonly string[],
  imageRoot: string | undefined,
  json: boolean,
  reporter: Reporter,
): boolean {
  const broken: (DialogueFinding & { readonly path: string })[] = [];
  for (const path of paths)
    for (const finding of checkDialogues(path, imageRoot === undefined ? {} : { imageRoot })) {
      broken.push({ path, ...finding });
      if (json) continue;
      const name = finding.id === undefined ? "" : ` (id ${finding.id})`;
      const file = paths.length > 1 ? `${path}: ` : "";
      reporter.print(`${file}row ${finding.row}${name}: ${finding.problems.join("; ")}`);
    }
  if (json) reporter.print(JSON.stringify({ paths, dialogues: true, broken }, null, 2));
  else
    reporter.print(
      broken.length === 0
        ? "every dialogue is good"
        : `${broken.length} broken ${broken.length === 1 ? "dialogue" : "dialogues"}`,
    );
  return broken.length === 0;
}
