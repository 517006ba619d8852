import assert from "node:assert/strict";
import test from "node:test";
import { parseConfig } from "./config.ts";

const logging = (yaml: string, ...sets: string[]) => parseConfig(yaml, "recipe.yaml", sets).logging;
const refused = (tracker: string): string => {
  try {
    parseConfig(`logging:\n  trackers:\n    - ${tracker}\n`, "recipe.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  return "accepted";
};

test("a recipe without trackers has none, and keeps sixteen trajectories a step", () => {
  assert.deepEqual(logging("seed: 1"), { trajectoriesPerStep: 16, tags: [], trackers: [] });
});

test("every tracker has its defaults, and only what was left out is missing", () => {
  const yaml =
    "logging: { trackers: [{ type: tensorboard }, { type: wandb }, { type: mlflow, url: 'http://127.0.0.1:5000' }] }";
  assert.deepEqual(logging(yaml).trackers, [
    { type: "tensorboard", images: 4 },
    { type: "wandb", project: "pyvision-rl", mode: "online", python: "python3", images: 4 },
    { type: "mlflow", url: "http://127.0.0.1:5000", experiment: "pyvision-rl", images: 4 },
  ]);
});

test("trackers are set from the command line", () => {
  const set = "logging.trackers=[{type: tensorboard, dir: logs}]";
  assert.deepEqual(logging("seed: 1", set).trackers, [{ type: "tensorboard", dir: "logs", images: 4 }]);
});

test("a second tracker of a type, a folder for MLflow and a password in its address are refused with the remedy", () => {
  assert.match(
    refused("type: tensorboard\n    - type: tensorboard"),
    /logging\.trackers\.1\.type must differ from those before it: .*at most one tracker of each type/,
  );
  assert.match(refused("{ type: mlflow, url: ./mlruns }"), /logging\.trackers\.0\.url .*`mlflow server`/);
  assert.match(
    refused("{ type: mlflow, url: 'https://me:secret@host' }"),
    /url must not hold a user or a password.*MLFLOW_TRACKING_PASSWORD/,
  );
});

test("an unknown name in a list is answered with the nearest one of its entries", () => {
  assert.match(
    refused("{ type: tensorboard, directory: logs }"),
    /unknown key logging\.trackers\.0\.directory/,
  );
  assert.match(refused("{ type: wandb, projct: p }"), /nearest valid name: logging\.trackers\.0\.project/);
});
