// Pictures as a means: too large, too many, of no size, with methods of the program's own.
import { type Attack, ALIVE, ANY, py } from "./attack.ts";

/** A plot that shows like any other in the next call, whatever the last one did to figures. */
const SHOWS = {
  run: "plt.figure(figsize=(2, 1), dpi=50); plt.plot([1]); plt.show(); print('alive', 6 * 7)",
  ends: ["ok"],
  prints: /^alive 42\n$/,
  figures: "100x50",
} as const;

export const FIGURES: readonly Attack[] = [
  {
    name: "extreme_aspect",
    category: "dos",
    turns: [
      {
        run: "plt.figure(figsize=(100,.4)); plt.plot([1]); plt.show()",
        ends: ["pythonError"],
        says: /ratio below 200/,
        figures: "",
      },
      SHOWS,
    ],
  },
  {
    name: "big_figure_400Mpx",
    category: "dos",
    turns: [
      {
        run: "plt.figure(figsize=(200,200),dpi=100); plt.plot([1]); plt.show(); print('shown')",
        ends: ["pythonError"],
        says: /16000000 pixels/,
        never: /shown/,
        figures: "",
      },
      SHOWS,
    ],
  },
  {
    name: "thousands_open_figures",
    category: "dos",
    turns: [
      {
        run: "for i in range(600): plt.figure(figsize=(1,1))\nprint(len(plt.get_fignums()))",
        ends: ["ok", "timeout", "pythonError", "outOfMemory"],
      },
      SHOWS,
    ],
  },
  {
    name: "figures_of_impossible_sizes",
    category: "dos",
    turns: [
      {
        run: py`
          shown = 0
          for size, dpi in (((1e6, 1e6), 100), ((6, 4), 1e5), ((float('nan'), 1), 100), ((float('inf'), 1), 100), ((0, 1), 100), ((-1, 1), 100),
                            ((1, 1), 0), ((1, 1), -5), ((1, 1), float('nan')), ((1e-9, 1e-9), 100), ((1, 1), 1e300)):
              try: plt.figure(figsize=size, dpi=dpi); plt.plot([1]); plt.show(); shown += 1
              except (ValueError, OverflowError, MemoryError, ZeroDivisionError, FloatingPointError, TypeError, RuntimeError, np.linalg.LinAlgError) as e: pass
              plt.close('all')
          print('SHOWN', shown)
        `,
        ends: ["ok", "outOfMemory"],
        prints: /^SHOWN 0\n$/,
        figures: "",
      },
      SHOWS,
    ],
  },
  {
    name: "million_artists",
    category: "dos",
    turns: [
      {
        run: "for i in range(10**6): plt.gca().add_line(plt.Line2D([0, i], [i, 0]))\nplt.show()",
        ends: ["timeout", "outOfMemory"],
      },
      SHOWS,
    ],
  },
  {
    name: "more_figures_than_one_call_shows",
    category: "dos",
    turns: [
      {
        run: "for i in range(40): Image.new('L', (5, 4)).show()",
        ends: ["ok"],
        prints: /^\[8 more pictures were not shown/,
        figures: Array<string>(32).fill("5x4").join(" "),
      },
      SHOWS,
    ],
  },
  {
    name: "figures_of_400_megapixels_together",
    category: "dos",
    turns: [
      {
        run: "for i in range(32): Image.new('RGB', (4000, 3900)).show()",
        ends: ["pythonError", "outOfMemory", "timeout"],
        says: /together|^$/,
      },
      SHOWS,
    ],
  },
  {
    name: "animation_without_end",
    category: "dos",
    turns: [
      {
        run: py`
          import itertools
          from matplotlib.animation import FuncAnimation
          figure, axes = plt.subplots(figsize=(2, 1), dpi=50)
          film = FuncAnimation(figure, lambda i: axes.plot([i]), frames=itertools.count(), cache_frame_data=False)
          plt.show()
          film.to_jshtml()
        `,
        ends: ANY,
      },
      ALIVE,
    ],
  },
  {
    name: "figures_with_methods_of_their_own",
    category: "tamper",
    turns: [
      {
        run: py`
          from matplotlib.backends.backend_agg import FigureCanvasAgg
          from matplotlib.figure import Figure
          import matplotlib.transforms as t
          class Odd(FigureCanvasAgg):
              def draw(self): pass
              def buffer_rgba(self): return self.answer
          for answer in (np.zeros((0, 0, 4), 'u1'), np.zeros((2, 2), 'u1'), np.zeros((2, 2, 4), 'f8'), 'text', b'x' * 16, None, np.zeros((1, 1 << 20, 4), 'u1'),
                         np.zeros((2, 3, 4, 5), 'u1'), np.broadcast_to(np.uint8(0), (1 << 20, 1 << 20, 4))):
              f = Figure(figsize=(1, 1)); Odd(f).answer = answer
              try: f.show()
              except Exception as e: print(type(e).__name__)
        `,
        ends: ANY,
      },
      { ...ALIVE, ends: ["ok", "killed"], prints: /^(alive 42\n)?$/ },
      ALIVE,
    ],
  },
  {
    name: "pictures_with_methods_of_their_own",
    category: "tamper",
    turns: [
      {
        run: py`
          class Odd(type(Image.new('L', (1, 1)))):
              size = property(lambda self: (2, 2))
              def convert(self, *_): return self
              def tobytes(self, *_): return b'x' * 5
          Odd().show()
        `,
        ends: ["pythonError", "killed"],
        figures: "",
      },
      ALIVE,
    ],
  },
];
