// Brings .venv-skyrl up to date: what requirements.txt beside this file pins, then SkyRL itself without what it declares.
// 0.2 GB to download and 1 GB on disk, in place of some 10 GB for everything that SkyRL asks for.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot, setupOrExit } from "../setup.mjs";
import { run } from "../setup/command.mjs";
import { environmentPython } from "../setup/pythonEnvironment.mjs";

/** The release whose server scripts/skyrl/launch.py knows how to start. */
const SKYRL = "skyrl==0.3.0";

/** @type {import("../setup/pythonEnvironment.mjs").PythonEnvironment} */
const ENVIRONMENT = {
  folder: ".venv-skyrl",
  requirements: ["scripts/skyrl/requirements.txt"],
  size: "about 0.2 GB to download, 1 GB on disk",
  importAll: "import jax, flax, optax, transformers, fastapi, uvicorn, sqlmodel, aiosqlite, cloudpathlib",
  loading: "Loading JAX and Transformers once …",
};

await setupOrExit(ENVIRONMENT);
const python = environmentPython(projectRoot, ENVIRONMENT);
const options = { cwd: projectRoot, env: process.env };
const version = await run(
  python,
  ["-I", "-c", "import importlib.metadata as m; print('skyrl==' + m.version('skyrl'))"],
  options,
);
if (version.code !== 0 || version.output.trim() !== SKYRL) {
  process.stderr.write(`[setup] Installing ${SKYRL} into ${ENVIRONMENT.folder} …\n`);
  const pip = ["-I", "-m", "pip", "install", "--no-deps", "--only-binary=:all:", "--no-input"];
  const { code, output } = await run(python, [...pip, "--disable-pip-version-check", SKYRL], options);
  if (code !== 0 || !existsSync(join(projectRoot, ENVIRONMENT.folder))) {
    process.stderr.write(`${output}[setup] pip could not install ${SKYRL}; it needs Python 3.11 or newer.\n`);
    process.exit(1);
  }
}
