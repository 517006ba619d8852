// Writes the golden files anew: `npm run test:parity -- --write-golden`.
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { smallTokenizer } from "../../../models/qwen2_5_vl/testFixtures.ts";
import { GOLDEN_CASES, trainingJob } from "./cases.ts";
import type { CaseSummary } from "./checkCase.ts";
import { GOLDEN_DIR, type GoldenSummary } from "./golden.ts";
import { runReference } from "./harness.ts";
import { pictures, processorJob, type ProcessedPicture } from "./pictures.ts";

const dir = await mkdtemp(join(tmpdir(), "pyvision-golden-"));
try {
  await writeFile(join(dir, "tokenizer.json"), JSON.stringify(smallTokenizer().toJson()));
  const cases = (await runReference(dir, await trainingJob(dir, GOLDEN_CASES))) as Record<
    string,
    CaseSummary
  >;
  const pictureResults = (await runReference(dir, await processorJob(dir, pictures()))) as ProcessedPicture[];
  const versions = (await runReference(dir, { task: "versions" })) as Record<string, string>;
  await rm(GOLDEN_DIR, { recursive: true, force: true });
  await mkdir(GOLDEN_DIR);
  for (const { name } of GOLDEN_CASES) {
    await cp(join(dir, name), join(GOLDEN_DIR, name), { recursive: true });
    await cp(join(dir, `${name}.safetensors`), join(GOLDEN_DIR, `${name}.safetensors`));
  }
  const summary: GoldenSummary = { versions, cases, pictures: pictureResults };
  await writeFile(join(GOLDEN_DIR, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  await writeFile(
    join(GOLDEN_DIR, "README.md"),
    "Made by `npm run test:parity -- --write-golden` (src/engines/embedded/parity/writeGolden.ts); not to be edited by hand.\n" +
      "`golden.test.ts` beside this folder says what is compared.\n",
  );
  process.stdout.write(`golden files of ${GOLDEN_CASES.length} models written to ${GOLDEN_DIR}\n`);
} finally {
  await rm(dir, { recursive: true, force: true });
}
