// Which pictures a call returns, and that their pixels are those of the file `savefig` would write.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RgbImage } from "../core/image.ts";
import { printed, runCells, runtimeForTests } from "./testRuntime.ts";

const PLAIN = await runtimeForTests();
const SMALL_RC = {
  "figure.figsize": [0.84, 0.84],
  "figure.dpi": 100,
  ...{
    "figure.subplot.left": 0,
    "figure.subplot.right": 1,
    "figure.subplot.bottom": 0,
    "figure.subplot.top": 1,
  },
  ...{ "xtick.bottom": false, "xtick.labelbottom": false, "ytick.left": false, "ytick.labelleft": false },
  ...Object.fromEntries(["left", "right", "bottom", "top"].map((side) => [`axes.spines.${side}`, false])),
};
const SMALL = await runtimeForTests({ matplotlibRc: SMALL_RC });

const PLT = "import matplotlib.pyplot as plt\nimport numpy as np\n";
const IMAGE: RgbImage = {
  width: 96,
  height: 60,
  data: new Uint8Array(96 * 60 * 3).map((_, i) => (i * i * 7 + i) % 251),
};

/** Programs that build one figure; each picture is compared with the reference bit for bit. */
const CORPUS: Readonly<Record<string, string>> = {
  crop: "plt.imshow(image_clue_0.crop((10, 5, 50, 45)))",
  axisOff: "plt.imshow(image_clue_0); plt.axis('off'); plt.title('a title')",
  lines: "plt.plot([1, 3, 2], label='line'); plt.legend(); plt.grid(True); plt.xlabel('x'); plt.ylabel('y')",
  oddSize:
    "fig, ax = plt.subplots(figsize=(3.337, 2.221), dpi=73)\nax.hist(np.arange(50) % 7); fig.tight_layout()",
  subplots:
    "fig, axes = plt.subplots(2, 3, sharex=True)\nfor i, ax in enumerate(axes.flat): ax.imshow(image_clue_0.rotate(i))",
  minor: "plt.loglog([1, 10, 1000], [1, 1e6, 1e7]); plt.minorticks_on(); plt.grid(which='both')",
  offset: "plt.plot([1e9 + 1, 1e9 + 2], [1e-9, 2e-9])",
  colorbar: "plt.imshow(np.arange(12).reshape(3, 4), cmap='viridis'); plt.colorbar()",
  style:
    "with plt.style.context('dark_background'):\n    fig, ax = plt.subplots()\n    ax.plot([0, 1])\nax.set_title('t')",
  rcLater:
    "with plt.rc_context({'xtick.major.size': 12, 'xtick.color': 'red', 'grid.color': 'blue'}):\n    fig, ax = plt.subplots()\nax.grid()",
  ticksBack:
    "ax = plt.gca()\nax.imshow(image_clue_0)\nax.tick_params(bottom=True, labelbottom=True, direction='in', labelrotation=30)",
  oneTick:
    "ax = plt.gca()\nax.plot([0, 5])\nfor t in ax.xaxis.get_major_ticks(): t.label1.set_visible(True); t.gridline.set_visible(True)",
  setTicks: "plt.imshow(image_clue_0); plt.xticks([0, 20], ['a', 'b']); plt.yticks([])",
  polar: "plt.subplot(projection='polar').plot([0, 2, 4], [1, 2, 1])",
  threeD: "plt.figure().add_subplot(projection='3d').plot([0, 1], [0, 1], [0, 2])",
  twin: "ax = plt.gca(); ax.plot([1, 2]); ax.twinx().plot([5, 3], 'r'); ax.clear(); ax.plot([2, 1])",
  twinY:
    "ax = plt.gca(); ax.plot([1, 2]); b = ax.twiny(); b.plot([5, 3], [4, 4]); b.grid(True); ax.spines.top.set_visible(False)",
  shared:
    "fig, axes = plt.subplots(2, 2, sharex='col', sharey='row', layout='constrained')\naxes[0, 0].plot([1, 9]); axes[1, 1].set_xlabel('x')",
  inset:
    "ax = plt.gca(); ax.imshow(image_clue_0); ax.inset_axes([0.5, 0.5, 0.4, 0.4]).imshow(image_clue_0.crop((0, 0, 9, 9)))",
  bars: "plt.bar(['a', 'b'], [1, 2]); plt.xlabel('x'); plt.gca().spines[['top', 'right']].set_visible(False); plt.tight_layout()",
  ticksOff:
    "plt.plot([0, 1]); plt.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False); plt.ylabel('y'); plt.title('t')",
  clip: "ax = plt.gca(); ax.plot([0, 9]); ax.grid(linewidth=9); ax.set_xlim(2, 3); ax.spines['left'].set_position('center')",
};

const bytes = (image: RgbImage | undefined): Buffer => Buffer.from(image?.data ?? []);

test("a shown figure has the pixels of savefig's PNG, bit for bit", async () => {
  for (const [name, program] of Object.entries(CORPUS)) {
    const save =
      "import io, hashlib\nfrom PIL import Image\npng = io.BytesIO()\nplt.savefig(png, format='png')\n";
    const session = await PLAIN.open({ images: [IMAGE] });
    const shown = await session.run(`${PLT}${program}\n${save}plt.show()`);
    assert.deepEqual(shown.outcome, { type: "ok" }, name);
    assert.equal(shown.figures.length, 1, name);
    const digest = await printed(
      session,
      "hashlib.sha256(Image.open(png).convert('RGB').tobytes()).hexdigest()",
    );
    assert.equal(digest, `'${await sha256(bytes(shown.figures[0]))}'\n`, name);
    await session.close();
  }
});

test("translucent figures are laid on white", async () => {
  const cells = [
    `${PLT}plt.figure(figsize=(0.4, 0.3), facecolor=(1, 0, 0, 0.5)); plt.show()`,
    `plt.figure(figsize=(0.4, 0.3), facecolor='none'); plt.show()`,
  ];
  const [half, none] = await runCells(PLAIN, cells);
  // alpha 0.5 is stored as 127 or 128; 255 * (1 - alpha) is 127 or 128 of white behind the red
  const [red, green, blue] = half?.figures[0]?.data ?? [];
  assert.equal(red, 255);
  assert.ok(green === blue && (green === 127 || green === 128), `${green}`);
  assert.ok(none?.figures[0]?.data.every((value) => value === 255));
});

test("leaving out unseen ticks changes no pixel: the stock library draws the same", async () => {
  for (const [runtime, rc] of [
    [PLAIN, {}],
    [SMALL, SMALL_RC],
  ] as const) {
    // prettier-ignore
    const stock = JSON.parse(stockDigests(rc)) as Record<string, string>;
    for (const [name, program] of Object.entries(CORPUS)) {
      const [result] = await runCells(runtime, [`${PLT}${program}\nplt.show()`], [IMAGE]);
      assert.equal(
        await sha256(bytes(result?.figures[0])),
        stock[name],
        `${name}: ${JSON.stringify(result?.outcome)}`,
      );
    }
  }
});

/** Digests of the corpus's pictures drawn by an ordinary Python with an unchanged matplotlib. */
function stockDigests(rc: object): string {
  const program = `
import sys, json, hashlib
import matplotlib; matplotlib.use("Agg")
import matplotlib.pyplot as plt, numpy as np
from PIL import Image
rc, corpus, size, data = json.load(sys.stdin)
matplotlib.rcParams.update(rc)
image_clue_0 = Image.frombytes("RGB", size, bytes.fromhex(data))
digests = {}
for name, program in corpus.items():
    exec(program, globals())
    canvas = plt.gcf().canvas; canvas.draw()
    digests[name] = hashlib.sha256(np.asarray(canvas.buffer_rgba())[..., :3].tobytes()).hexdigest()
    plt.close("all")
print(json.dumps(digests))`;
  const python = fileURLToPath(new URL("../../.venv/bin/python", import.meta.url));
  const fonts = fileURLToPath(new URL("../../.venv/matplotlib", import.meta.url)); // as the runtime has them
  const input = JSON.stringify([rc, CORPUS, [IMAGE.width, IMAGE.height], bytes(IMAGE).toString("hex")]);
  return execFileSync(python, ["-c", program], { input, encoding: "utf8", env: { MPLCONFIGDIR: fonts } });
}

test("the mini recipe: a crop becomes 84 x 84 pixels of itself, edge to edge", async () => {
  const red = {
    width: 40,
    height: 40,
    data: new Uint8Array(40 * 40 * 3).map((_, i) => (i % 3 === 0 ? 200 : 10)),
  };
  const [result] = await runCells(
    SMALL,
    [`${PLT}plt.imshow(image_clue_0.crop((5, 5, 25, 25)))\nplt.show()`],
    [red],
  );
  const [figure] = result?.figures ?? [];
  assert.deepEqual([figure?.width, figure?.height], [84, 84]);
  assert.ok(figure?.data.every((value, i) => value === (i % 3 === 0 ? 200 : 10)));
});

const sizes = (figures: readonly RgbImage[] = []): string =>
  figures.map((f) => `${f.width}x${f.height}`).join(" ");
const figure = (inches: string): string => `plt.figure(figsize=(${inches}), dpi=10)\n`;

test("plt.show shows every open figure in order and closes it; what was never shown is dropped", async () => {
  const results = await runCells(PLAIN, [
    `${PLT}${figure("2, 1")}${figure("3, 1")}plt.show()\nprint(plt.get_fignums())`,
    `${figure("4, 1")}plt.show()\nplt.show()\n${figure("5, 1")}`,
    "plt.show()\nprint(plt.get_fignums())",
  ]);
  assert.deepEqual(results.map(({ figures }) => sizes(figures)), ["20x10 30x10", "40x10", ""]); // prettier-ignore
  assert.equal(results[0]?.stdout, "[]\n");
  assert.match(results[1]?.stdout ?? "", /^<Figure size 50x10 with 0 Axes>\n$/);
  assert.equal(results[2]?.stdout, "[]\n");
});

test("every name of show: pyplot's, imported, a figure's own, with arguments, without pyplot, PIL's", async () => {
  const results = await runCells(PLAIN, [
    `${PLT}${figure("2, 1")}plt.show(block=False)`,
    `from matplotlib.pyplot import show as zeig\n${figure("3, 1")}zeig()`,
    `a = ${figure("4, 1")}b = ${figure("5, 1")}b.show()\na.show()`,
    "from matplotlib.figure import Figure\nFigure(figsize=(6, 1), dpi=10).show()",
    `plt.switch_backend('svg')\n${figure("7, 1")}plt.show()`,
    "image_clue_0.show(); image_clue_0.convert('L').resize((8, 9)).show()",
  ], [IMAGE]); // prettier-ignore
  const shown = results.map(({ figures }) => sizes(figures));
  assert.deepEqual(shown, ["20x10", "30x10", "50x10 40x10", "60x10", "70x10", "96x60 8x9"]);
  assert.deepEqual(results.map(({ outcome }) => outcome.type), Array(6).fill("ok")); // prettier-ignore
  assert.deepEqual(bytes(results[5]?.figures[0]), bytes(IMAGE));
});

test("Image.show lays transparency on white", async () => {
  const cell = "from PIL import Image\nImage.new('RGBA', (1, 1), (0, 100, 255, 51)).show()";
  const [result] = await runCells(PLAIN, [cell]);
  assert.deepEqual([...bytes(result?.figures[0])], [204, 224, 255]); // 255 + (v - 255) / 5
});

test("figures shown before an error are kept", async () => {
  const [result] = await runCells(PLAIN, [`${PLT}${figure("2, 1")}plt.show()\nprint('x')\n1/0`]);
  assert.deepEqual(
    [result?.outcome.type, result?.stdout, sizes(result?.figures)],
    ["pythonError", "x\n", "20x10"],
  );
});

test("40 open figures: the first 32 are shown, the rest is counted, the next call is unharmed", async () => {
  const cells = [
    `${PLT}import warnings; warnings.simplefilter('ignore')\nfor i in range(40): ${figure("0.1 * (i + 1), 1")}\nplt.show()`,
    `${figure("2, 1")}plt.show()`,
  ];
  const [many, next] = await runCells(PLAIN, cells);
  assert.deepEqual(many?.outcome, { type: "ok" });
  assert.equal(sizes(many?.figures), Array.from({ length: 32 }, (_, i) => `${i + 1}x10`).join(" "));
  assert.equal(many?.stdout, "[8 more pictures were not shown: one call shows at most 32]\n");
  assert.equal(sizes(next?.figures), "20x10");
});

test("pictures too large, too narrow or empty are errors that say the rule", async () => {
  const message = async (cell: string): Promise<string> => {
    const [result] = await runCells(PLAIN, [PLT + cell]);
    assert.deepEqual(result?.figures, []);
    return result?.outcome.type === "pythonError" ? result.outcome.message : JSON.stringify(result?.outcome);
  };
  const shape = "its sides must be at least 1 pixel and their ratio below 200";
  assert.equal(
    await message("plt.figure(figsize=(401, 400), dpi=10); plt.show()"),
    "cannot show a picture of 4010x4000 pixels: the limit is 16000000 pixels; make it smaller",
  );
  assert.equal(
    await message("plt.figure(figsize=(20, 0.1), dpi=10); plt.show()"),
    `cannot show a picture of 200x1 pixels: ${shape}`,
  );
  assert.equal(
    await message("from PIL import Image; Image.new('L', (0, 5)).show()"),
    `cannot show a picture of 0x5 pixels: ${shape}`,
  );
});

async function sha256(data: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", data)).toString("hex");
}
