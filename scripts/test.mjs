// `npm test`: set-up, then Node's test runner over every test file. Words after `--` keep only the files whose path
// holds one of them; what begins with a dash goes to the runner.
import { launch } from "./launch.mjs";
import { projectRoot, setupOrExit } from "./setup.mjs";
import { chooseTestFiles, RUNNER } from "./testFiles.mjs";

const { files, flags } = chooseTestFiles({
  root: projectRoot,
  folders: ["src", "scripts"],
  pattern: /\.test\.(ts|mjs)$/,
  args: process.argv.slice(2),
});
await setupOrExit();
await launch([...RUNNER, ...flags, ...files], { cwd: projectRoot });
