// Recipes of tinker-cookbook, unchanged and from their own command lines, against a server of the Tinker API. Their data is
// made here; the metrics that they write say whether they trained.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { encode } from "fast-png";
import { randomStream } from "../../core/random.ts";
import { runPython } from "./officialPrograms.ts";

export interface RecipeOptions {
  /** Folder for data and logs. */
  readonly dir: string;
  /** Interpreter that has the cookbook. */
  readonly python: string;
  readonly baseUrl: string;
  /** A served model, named by its folder, where the recipes look for the tokenizer. */
  readonly model: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Bench {
  readonly dir: string;
  /** @param recipe module below tinker_cookbook.recipes */
  readonly run: (recipe: string, options: readonly string[]) => Promise<void>;
}

/** Registers the tests. */
export function testRecipes({ dir, python, baseUrl, model, env }: RecipeOptions): void {
  const common = [`base_url=${baseUrl}`, `model_name=${model}`, "behavior_if_log_dir_exists=delete"];
  const run: Bench["run"] = (recipe, options) =>
    runPython(python, ["-m", `tinker_cookbook.recipes.${recipe}`, ...common, ...options], { cwd: dir, env });
  test("tinker-cookbook's recipes for chats and for arithmetic run unchanged, one from the other's weights", (t) =>
    chatsAndArithmetic(t, { dir, run }));
  test("tinker-cookbook's recipe for a classifier of pictures runs unchanged", (t) =>
    pictures(t, { dir, run }));
}

async function chatsAndArithmetic(t: TestContext, { dir, run }: Bench): Promise<void> {
  // Some answers are a number and the end, the others are longer than the five tokens that the RL recipe allows.
  const random = randomStream("chats");
  const upTo100 = (): number => Math.floor(random.next() * 101);
  const conversations = Array.from({ length: 48 }, () => {
    const [x, y] = [upTo100(), upTo100()];
    const answer = random.next() < 0.4 ? `${x + y}` : `${x} + ${y} = ${x + y}`;
    const messages = [
      { role: "user", content: "What is 4 + 5?" },
      { role: "assistant", content: "9" },
      { role: "user", content: `What is ${x} + ${y}?` },
      { role: "assistant", content: answer },
    ];
    return JSON.stringify({ messages });
  });
  await writeFile(join(dir, "chats.jsonl"), conversations.join("\n"));
  const [sl, rl] = [join(dir, "sl"), join(dir, "rl")];
  const chats = [
    "dataset=chats.jsonl",
    "renderer_name=qwen3_instruct",
    "train_on_what=last_assistant_message",
  ];
  await run("chat_sl.train", [
    ...chats,
    `log_path=${sl}`,
    "batch_size=8",
    "num_epochs=3",
    "learning_rate=0.002",
  ]);
  const nll = (await metricsOf(sl)).flatMap(({ train_mean_nll }) => train_mean_nll ?? []);
  t.diagnostic(`chat_sl: mean NLL ${nll.map((value) => value.toFixed(2)).join(" ")}`);
  assert.equal(nll.length, 18);
  assert.ok(at(nll, -1) < 0.5 * at(nll, 0));

  const [checkpoint] = (await readFile(join(sl, "checkpoints.jsonl"), "utf8")).trim().split("\n").slice(-1);
  const { state_path: state } = JSON.parse(checkpoint ?? "{}") as { readonly state_path?: string };
  assert.match(state ?? "", /^tinker:\/\//);
  const arithmetic = ["env=arithmetic", "renderer_name=qwen3_instruct", "group_size=8", "groups_per_batch=4"];
  const training = [
    "loss_fn=importance_sampling",
    "max_tokens=5",
    "max_steps=6",
    "learning_rate=0.0003",
    "eval_every=0",
  ];
  await run("math_rl.train", [...arithmetic, ...training, `load_checkpoint_path=${state}`, `log_path=${rl}`]);
  const metrics = (await metricsOf(rl)).filter((row) => row["env/all/format"] !== undefined);
  const column = (name: string): number[] => metrics.map((row) => row[name] ?? NaN);
  const format = column("env/all/format");
  t.diagnostic(`math_rl: answers that end in time ${format.map((value) => value.toFixed(2)).join(" ")}`);
  assert.equal(format.length, 6);
  assert.ok(at(format, 0) < 0.9 && at(format, -1) >= 0.9 && at(format, -1) > at(format, 0));
  assert.ok(at(column("env/all/reward/total"), -1) > at(column("env/all/reward/total"), 0));
  // What was sampled against what the trainer says of the same tokens.
  for (const value of column("optim/kl_sample_train_v1")) assert.ok(Math.abs(value) < 1e-3, `${value}`);
}

async function pictures(t: TestContext, { dir, run }: Bench): Promise<void> {
  const colours = { red: [200, 30, 30], green: [30, 180, 60], blue: [40, 60, 200] } as const;
  // Its data set as a local folder of the same name, which the datasets library prefers to the hub.
  for (const split of ["train", "test"])
    for (const [name, colour] of Object.entries(colours)) {
      const folder = join(dir, "dpdl-benchmark/caltech101", split, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < (split === "train" ? 8 : 2); i++) {
        const data = Uint8Array.from(
          { length: 56 * 56 * 3 },
          (_, k) => at(colour, k % 3) + ((k * 7 + i * 13) % 20),
        );
        await writeFile(
          join(folder, `${i}.png`),
          encode({ width: 56, height: 56, data, channels: 3, depth: 8 }),
        );
      }
    }
  const options = ["renderer_name=qwen3_vl_instruct", "batch_size=8", "num_epochs=3", "learning_rate=0.002"];
  const evaluation = ["n_eval=6", "max_tokens=24", "eval_every=4"];
  await run("vlm_classifier.train", [...options, ...evaluation, `experiment_dir=${join(dir, "vlm")}`]);
  const [experiment] = await readdir(join(dir, "vlm"));
  const rows = await metricsOf(join(dir, "vlm", experiment ?? ""));
  const nll = rows.flatMap(({ train_mean_nll }) => train_mean_nll ?? []);
  t.diagnostic(`vlm_classifier: mean NLL ${nll.map((value) => value.toFixed(2)).join(" ")}`);
  assert.equal(nll.length, 9);
  assert.ok(at(nll, -1) < 0.5 * at(nll, 0));
}

/** One JSON object per line. */
async function metricsOf(log: string): Promise<Readonly<Record<string, number>>[]> {
  const text = await readFile(join(log, "metrics.jsonl"), "utf8");
  return text.trim().split("\n").map((line) => JSON.parse(line) as Readonly<Record<string, number>>); // prettier-ignore
}

function at<T>(list: readonly T[], i: number): T {
  const value = list.at(i);
  assert.ok(value !== undefined, `entry ${i} of ${list.length}`);
  return value;
}
