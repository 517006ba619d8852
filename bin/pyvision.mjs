#!/usr/bin/env node
// The `pyvision` command: set-up when something is missing, then the command line itself, in the user's directory.
import { join } from "node:path";
import { launch } from "../scripts/launch.mjs";
import { projectRoot, setupOrExit } from "../scripts/setup.mjs";

await setupOrExit();
await launch([join(projectRoot, "src/cli/main.ts"), ...process.argv.slice(2)]);
