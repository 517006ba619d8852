"""Turns `plt.show()`, `Figure.show()` and `Image.show()` into captured pictures.

`install` replaces the three functions once, in the zygote, so that every alias a program imports later is the
capturing one. `plt.show` takes every open figure in the order of their numbers and closes it; `Figure.show` and
`Image.show` take the one picture. Figures that are open but never shown are dropped at the end of the cell.
"""

import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

MAX_ASPECT = 200  # the vision models' processor refuses pictures of this aspect ratio or more
MAX_TOTAL_PIXELS = 80 << 20  # of one cell; keeps a reply below the host's bound


class Capture:
    """The pictures of the running cell."""

    def __init__(self):
        self.max_figures = 32
        self.max_pixels = 16_000_000
        self.reset()

    def reset(self):
        self.pictures = []  # (width, height, bytes of RGB)
        self.dropped = 0
        self._pixels = 0

    def has_room(self):
        if len(self.pictures) < self.max_figures:
            return True
        self.dropped += 1
        return False

    def check(self, width, height):
        if width < 1 or height < 1 or max(width, height) >= MAX_ASPECT * min(width, height):
            raise ValueError(f"cannot show a picture of {width}x{height} pixels: its sides must be at least 1 pixel "
                             f"and their ratio below {MAX_ASPECT}")
        if width * height > self.max_pixels:
            raise ValueError(f"cannot show a picture of {width}x{height} pixels: the limit is {self.max_pixels} "
                             "pixels; make it smaller")
        if self._pixels + width * height > MAX_TOTAL_PIXELS:
            raise ValueError(f"cannot show another picture of {width}x{height} pixels: the pictures of one cell may "
                             f"have {MAX_TOTAL_PIXELS} pixels together")

    def add(self, width, height, rgb):
        self._pixels += width * height
        self.pictures.append((width, height, rgb))


capture = Capture()


def add_figure(figure):
    """Renders one figure at its own dpi: the pixels `savefig` would write as PNG."""
    if not capture.has_room():
        return
    canvas = figure.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        canvas = FigureCanvasAgg(figure)
    width, height = (int(side) for side in figure.bbox.size)
    capture.check(width, height)
    canvas.draw()
    rgba = np.asarray(canvas.buffer_rgba())
    capture.add(rgba.shape[1], rgba.shape[0], opaque(rgba).tobytes())


def opaque(rgba):
    """Straight-alpha RGBA laid on white."""
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return rgba[..., :3]
    alpha = alpha.astype(np.uint16)[..., None]
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def show_all(*args, **kwargs):
    """Shows every open figure, in the order of their numbers, and closes it."""
    for manager in sorted(Gcf.figs.values(), key=lambda manager: manager.num):
        try:
            add_figure(manager.canvas.figure)
        finally:
            Gcf.destroy(manager)


def show_figure(self, warn=True):
    """Shows this figure and closes it."""
    try:
        add_figure(self)
    finally:
        plt.close(self)


def show_image(self, title=None):
    """Shows this picture as it is, at its own size."""
    if not capture.has_room():
        return
    capture.check(*self.size)
    if self.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in self.info:
        rgb = opaque(np.asarray(self.convert("RGBA"))).tobytes()
    else:
        rgb = self.convert("RGB").tobytes()
    capture.add(*self.size, rgb)


def install():
    plt.show = show_all
    matplotlib.figure.Figure.show = show_figure
    Image.Image.show = show_image


def drop_open():
    """Closes what the cell left open, whatever it put among the figures."""
    if not Gcf.figs:
        return
    try:
        plt.close("all")
    except Exception:
        Gcf.figs.clear()


def warm():
    """Draws once, so that fonts, caches and lazy imports are there before the first fork."""
    grey = Image.new("RGB", (64, 48), "grey")
    plt.imshow(grey.crop((8, 8, 40, 40)).resize((16, 16)))
    plt.title("a")
    plt.plot([0, 1], label="a")
    plt.legend()
    add_figure(plt.gcf())
    plt.close("all")
    capture.reset()
