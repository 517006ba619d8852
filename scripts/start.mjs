// `npm start`: set-up, then the recipe that trains the mini world by reinforcement. What follows `--` goes to the command:
// `npm start -- --set reward.toolCall=0`.
import { launch } from "./launch.mjs";
import { projectRoot, setupOrExit } from "./setup.mjs";

await setupOrExit();
await launch(["src/cli/main.ts", "train", "configs/image-mini.yaml", ...process.argv.slice(2)], {
  cwd: projectRoot,
});
