// Figures with matplotlib.
import { py } from "../attacks/attack.ts";
import { type HonestProgram, program } from "./program.ts";

export const PLOTS: readonly HonestProgram[] = [
  program("subplots with a colour bar", [
    py`
      fig, axes = plt.subplots(1, 3, figsize=(9, 3))
      for ax, channel, name in zip(axes, range(3), 'RGB'):
          shown = ax.imshow(np.array(image_clue_0)[..., channel], cmap='viridis'); ax.set_title(name)
      fig.colorbar(shown, ax=axes); fig.suptitle('channels')
      plt.show()
    `,
    "",
    "900x300",
  ]),
  program("tight layout, legend, mathtext and annotations", [
    py`
      x = np.linspace(0, 2 * np.pi, 100)
      plt.figure(figsize=(5, 4), dpi=60)
      plt.plot(x, np.sin(x), 'r--', label=r'$\sin(x)$'); plt.plot(x, np.cos(x), label=r'$\frac{\partial}{\partial x}\sin$')
      plt.annotate('peak', xy=(np.pi / 2, 1), xytext=(3, 0.9), arrowprops=dict(arrowstyle='->'))
      plt.xlabel('x [rad]'); plt.ylabel(r'$y_i^2$ — größer'); plt.legend(loc='best'); plt.grid(True); plt.tight_layout()
      plt.show()
    `,
    "",
    "300x240",
  ]),
  program("three dimensions and polar axes", [
    py`
      fig = plt.figure(figsize=(4, 2))
      ax = fig.add_subplot(1, 2, 1, projection='3d')
      X, Y = np.meshgrid(np.arange(5), np.arange(5)); ax.plot_surface(X, Y, X * Y, cmap='coolwarm')
      polar = fig.add_subplot(1, 2, 2, projection='polar'); polar.plot([0, 1, 2], [1, 2, 3])
      print(ax.name, polar.name)
      plt.show()
    `,
    "3d polar\n",
    "400x200",
  ]),
  program("logarithmic axes, dates and error bars", [
    py`
      import datetime as dt
      import matplotlib.dates as mdates
      fig, (a, b) = plt.subplots(2, 1, figsize=(4, 4))
      a.loglog([1, 10, 100], [1, 100, 10000]); a.errorbar([1, 10], [5, 50], yerr=[1, 5])
      b.plot([dt.date(2024, 1, d) for d in (1, 2, 3)], [1, 4, 9]); b.xaxis.set_major_formatter(mdates.DateFormatter('%d.%m.'))
      fig.canvas.draw()
      print(a.get_xscale(), [t.get_text() for t in b.get_xticklabels()][0])
      plt.show()
    `,
    "log 01.01.\n",
    "400x400",
  ]),
  program("many kinds of charts", [
    py`
      rng = np.random.default_rng(0)
      fig, axes = plt.subplots(2, 4, figsize=(8, 4))
      axes = axes.ravel(); data = rng.normal(size=(50, 2))
      axes[0].hist(data[:, 0]); axes[1].scatter(*data.T, c=data[:, 0]); axes[2].boxplot(data); axes[3].pie([1, 2, 3], labels=['a', 'b', 'c'], autopct='%1.0f%%')
      axes[4].contourf(np.outer(np.arange(9), np.arange(9))); axes[5].quiver([0, 1], [0, 1], [1, 0], [0, 1]); axes[6].stem([1, 3, 2]); axes[7].fill_between([0, 1, 2], [1, 2, 1])
      print(len(fig.axes))
      plt.show()
    `,
    "8\n",
    "800x400",
  ]),
  program(
    "a figure saved and opened as a picture",
    [
      "plt.figure(figsize=(3, 2), dpi=50); plt.imshow(image_clue_0); plt.savefig('out.png'); plt.close()\nsaved = Image.open('out.png'); print(saved.size, saved.mode)",
      "(150, 100) RGBA\n",
    ],
    ["saved.show()\nplt.show()", "", "150x100"],
  ),
  program("two figures in one call, by turns", [
    "for n in (2, 3):\n    plt.figure(figsize=(n, 1)); plt.plot(range(n)); plt.show()\nprint(plt.get_fignums())",
    "[]\n",
    "200x100 300x100",
  ]),
  program("a figure saved as SVG and PDF", [
    "fig, ax = plt.subplots(); ax.plot([1, 2])\nfig.savefig('f.svg'); fig.savefig('f.pdf'); plt.close(fig)\nprint(open('f.svg').read(5), open('f.pdf', 'rb').read(5))",
    "<?xml b'%PDF-'\n",
  ]),
  program("styles and settings of a while", [
    py`
      with plt.style.context('ggplot'), plt.rc_context({'figure.figsize': (2, 2)}):
          plt.plot([1, 2, 3]); plt.show()
      print(plt.rcParams['figure.figsize'])
    `,
    "[6.4, 4.8]\n",
    "200x200",
  ]),
  program("patches, images beside each other, no axes", [
    py`
      from matplotlib.patches import Circle, Rectangle
      from matplotlib.gridspec import GridSpec
      fig = plt.figure(figsize=(4, 2)); grid = GridSpec(1, 2, width_ratios=[2, 1])
      left = fig.add_subplot(grid[0]); left.imshow(image_clue_0); left.add_patch(Rectangle((10, 10), 20, 20, fill=False, edgecolor='red')); left.add_patch(Circle((60, 30), 8))
      right = fig.add_subplot(grid[1]); right.imshow(image_clue_0.crop((10, 10, 30, 30))); right.axis('off')
      plt.show()
    `,
    "",
    "400x200",
  ]),
];
