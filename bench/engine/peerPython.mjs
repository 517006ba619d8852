// Prints the interpreter that has PyTorch and Transformers: the one that PYVISION_PARITY_PYTHON names, or that of the
// parity suite's environment, which is made here when it is missing. Progress of that goes to stderr.
import { projectRoot, setupOrExit } from "../../scripts/setup.mjs";
import { environmentIsReady, environmentPython } from "../../scripts/setup/pythonEnvironment.mjs";
import { PARITY_ENVIRONMENT } from "../../scripts/setup/pythonPackages.mjs";

const named = process.env["PYVISION_PARITY_PYTHON"];
if (named) process.stdout.write(named);
else {
  if (!environmentIsReady(projectRoot, PARITY_ENVIRONMENT))
    process.stderr.write(
      `The peer of this benchmark is PyTorch; making ${PARITY_ENVIRONMENT.folder} for it, once …\n`,
    );
  await setupOrExit(PARITY_ENVIRONMENT);
  process.stdout.write(environmentPython(projectRoot, PARITY_ENVIRONMENT));
}
