// `npm run test:parity`: what is compared with other programs (Transformers, a Jupyter server) or takes long. Makes the
// Python environment of requirements-parity.txt and requirements-jupyter.txt (or takes the interpreter that
// PYVISION_PARITY_PYTHON names), then runs every src/**/*.parity.ts. Words after `--` keep only the files whose path holds one of them; what begins with a dash goes to
// the runner, but for `--write-golden`, which writes the golden files of the plain test suite anew instead of testing.
import { launch } from "./launch.mjs";
import { projectRoot, setupOrExit } from "./setup.mjs";
import { environmentPython } from "./setup/pythonEnvironment.mjs";
import { PARITY_ENVIRONMENT } from "./setup/pythonPackages.mjs";
import { chooseTestFiles, RUNNER } from "./testFiles.mjs";

const WRITE_GOLDEN = "--write-golden";

const args = process.argv.slice(2);
const writesGolden = args.includes(WRITE_GOLDEN);
const { files, flags } = chooseTestFiles({
  root: projectRoot,
  folders: ["src"],
  pattern: /\.parity\.ts$/,
  args: args.filter((arg) => arg !== WRITE_GOLDEN),
});
if (process.env["PYVISION_PARITY_PYTHON"] === undefined) {
  await setupOrExit(PARITY_ENVIRONMENT);
  process.env["PYVISION_PARITY_PYTHON"] = environmentPython(projectRoot, PARITY_ENVIRONMENT);
} else await setupOrExit();
if (writesGolden) await launch(["src/engines/embedded/parity/writeGolden.ts"], { cwd: projectRoot });
await launch([...RUNNER, ...flags, ...files], { cwd: projectRoot });
