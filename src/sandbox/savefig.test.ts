// A picture that reaches the model is the PNG that `savefig` would have written, laid on white, bit for bit: here for the
// kinds of drawing that matplotlib renders by ways of their own. The file is written by a second, fresh figure, so that
// drawing for the one cannot settle the layout of the other. figures.test.ts has everyday figures.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { RgbImage } from "../core/image.ts";
import { printed, runtimeForTests } from "./testRuntime.ts";

const runtime = await runtimeForTests();

const IMAGE: RgbImage = {
  width: 90,
  height: 70,
  data: Uint8Array.from({ length: 90 * 70 * 3 }, (_, i) => (i * i * 5 + 3 * i) % 253),
};

/** Programs that build one figure on a white, opaque ground. */
const OPAQUE: Readonly<Record<string, string>> = {
  imshow: "plt.imshow(image_clue_0)",
  imshowSmooth: "plt.imshow(image_clue_0, interpolation='bicubic')",
  imshowAlpha: "plt.imshow(image_clue_0); plt.imshow(Y, alpha=0.4, cmap='jet', extent=(0, 90, 70, 0))",
  imshowRgba: "plt.imshow(np.dstack([np.asarray(image_clue_0), np.full((70, 90), 77, np.uint8)]))",
  imshowHoles: "plt.imshow(np.where(Y > 0.9, np.nan, Y)); plt.imshow(np.ma.masked_less(Y, 0), cmap='gray')",
  plotLegend:
    "plt.plot(x, np.sin(x), '--', label='a'); plt.plot(x, x, 'o', label='b'); plt.legend(loc='best')",
  oddSize: "plt.figure(figsize=(4.137, 2.713), dpi=83); plt.plot(x, x); plt.xlabel('x'); plt.tight_layout()",
  colorbar: "plt.contourf(Y, 9); plt.colorbar(label='level', orientation='horizontal')",
  constrained:
    "fig, axes = plt.subplots(2, 2, layout='constrained')\nfig.colorbar(axes[0, 0].pcolormesh(Y), ax=axes)\nfig.suptitle('s')",
  surface:
    "ax = plt.figure().add_subplot(projection='3d')\nax.plot_surface(*np.meshgrid(x, x), np.outer(x, x), cmap='viridis', alpha=0.6)",
  scatter3d: "plt.figure().add_subplot(projection='3d').scatter(x, x ** 2, -x, c=x)",
  polar: "ax = plt.subplot(projection='polar'); ax.bar(x, x, alpha=0.5); ax.set_rticks([1, 3])",
  logAxes: "plt.loglog(x + 0.1, np.exp(x)); plt.grid(which='both', alpha=0.3); plt.semilogx(x + 0.1, x)",
  symlog: "plt.plot(x - 2, x ** 3); plt.yscale('symlog'); plt.xscale('logit', nonpositive='clip')",
  mathtext:
    "plt.text(0.1, 0.5, r'$\\sum_{i=0}^n \\frac{\\alpha_i}{\\sqrt{2\\pi}}\\,e^{-x^2}$', fontsize=19, rotation=17)\n" +
    "plt.title('Grüße and $\\\\int$'); plt.figtext(0.5, 0.02, 'foot', ha='center', style='italic')",
  twinAxes: "a = plt.gca(); a.plot(x); b = a.twinx(); b.plot(-x, 'r'); c = a.twiny(); c.set_xlabel('up')",
  secondary: "plt.plot(x, x); plt.gca().secondary_xaxis('top', functions=(lambda v: 2 * v, lambda v: v / 2))",
  annotation:
    "plt.plot(x); plt.annotate('here', (3, 1), (8, 3), arrowprops=dict(arrowstyle='fancy', connectionstyle='arc3,rad=.3'), bbox=dict(boxstyle='round', alpha=0.5))",
  hatches:
    "plt.bar(list('abc'), [1, 3, 2], hatch='//', edgecolor='k', yerr=0.4, capsize=5); plt.pie([1, 2, 3])",
  fields: "plt.quiver(Y[:9, :9], Y[1:10, :9]); plt.streamplot(np.arange(30), np.arange(20), Y, Y ** 2)",
  statistics:
    "plt.boxplot([x, x ** 2]); plt.violinplot([x, x + 1], positions=[3, 4]); plt.hist(x, orientation='horizontal')",
  patches:
    "from matplotlib.patches import Ellipse, Rectangle\nax = plt.gca(); ax.imshow(image_clue_0)\nax.add_patch(Rectangle((9, 9), 30, 20, fill=False, ec='lime', lw=2)); ax.add_patch(Ellipse((50, 40), 30, 12, angle=30, alpha=0.4))",
  effects:
    "import matplotlib.patheffects as pe\nplt.plot(x, path_effects=[pe.withStroke(linewidth=6, foreground='0.7'), pe.Normal()])\nplt.text(3, 2, 'edge', path_effects=[pe.withStroke(linewidth=3, foreground='w')])",
  rasterized: "plt.scatter(x, x, s=900 * x, alpha=0.3, rasterized=True); plt.plot(x, clip_on=False)",
  subfigures:
    "a, b = plt.figure(layout='constrained').subfigures(1, 2)\na.subplots().plot(x); b.set_facecolor('0.8'); b.subplots(2)",
  table:
    "plt.table([[1, 2], ['a', 'b']], loc='center', cellColours=[['c', 'm'], ['y', 'w']]); plt.axis('off')",
  dates:
    "import datetime\nplt.plot([datetime.date(2024, month, 1) for month in range(1, 11)], x[:10]); plt.gcf().autofmt_xdate()",
};

/** Figures that stay translucent somewhere in savefig's file. */
const TRANSLUCENT: Readonly<Record<string, string>> = {
  facecolor: "plt.figure(facecolor=(0.2, 0.4, 1, 0.35)); plt.plot(x, x)",
  axesToo: "plt.figure(facecolor='none'); plt.axes(facecolor=(1, 0, 0, 0.2)); plt.imshow(Y, alpha=0.5)",
  noPatch: "plt.imshow(image_clue_0, alpha=0.7); plt.gcf().patch.set_alpha(0); plt.axis('off')",
  subplots:
    "fig, axes = plt.subplots(2, 2, facecolor=(0, 1, 0, 0.5))\nfor a in axes.flat: a.patch.set_alpha(0.3)",
};

const NAMES =
  "import matplotlib.pyplot as plt\nimport numpy as np\n" +
  "x = np.linspace(0, 4, 20)\nY = np.sin(np.arange(600).reshape(20, 30) / 17.0)\n";

/** savefig's file laid on white, in floating point; no value lies half-way between two integers. */
const SAVE = `
import hashlib, io
from PIL import Image
png = io.BytesIO()
plt.savefig(png, format="png")
plt.close("all")
rgba = np.asarray(Image.open(png).convert("RGBA")).astype(float)
on_white = np.rint(255 + (rgba[..., :3] - 255) * rgba[..., 3:] / 255).astype(np.uint8)
print(*on_white.shape[1::-1], int(rgba[..., 3].min()), hashlib.sha256(on_white.tobytes()).hexdigest())`;

/** Shows the figure and saves a second one like it; compares. Returns the least alpha in the file and the digest. */
async function shownAsSaved(name: string, program: string): Promise<{ alpha: number; digest: string }> {
  const session = await runtime.open({ images: [IMAGE] });
  try {
    const { outcome, figures } = await session.run(`${NAMES}${program}\nplt.show()`);
    assert.deepEqual(outcome, { type: "ok" }, name);
    assert.equal(figures.length, 1, name);
    const saved = await printed(session, `${NAMES}${program}${SAVE}`);
    const [width, height, alpha, digest = ""] = saved.trimEnd().split(" ");
    const [shown] = figures;
    const shownDigest = createHash("sha256")
      .update(shown?.data ?? "")
      .digest("hex");
    assert.deepEqual(
      [shown?.width, shown?.height, shownDigest],
      [Number(width), Number(height), digest],
      name,
    );
    return { alpha: Number(alpha), digest };
  } finally {
    await session.close();
  }
}

test("every kind of drawing is shown with savefig's pixels, bit for bit", async () => {
  const digests = new Set<string>();
  for (const [name, program] of Object.entries(OPAQUE)) {
    const { alpha, digest } = await shownAsSaved(name, program);
    assert.equal(alpha, 255, name);
    digests.add(digest);
  }
  assert.equal(digests.size, Object.keys(OPAQUE).length); // each program has drawn something of its own
});

test("figures that savefig leaves translucent are its pixels laid on white, bit for bit", async () => {
  for (const [name, program] of Object.entries(TRANSLUCENT)) {
    const { alpha } = await shownAsSaved(name, program);
    assert.ok(alpha < 255, `${name}: the file is opaque, so this tests nothing`);
  }
});
