"""Keeps matplotlib's tick lists lazy until a tick is looked at. Changes no pixel; halves the time of a small figure.

An Axis makes its ticks lazily, but clearing a new Axes touches them at once, only to switch their grid off and to set
their clip path: four ticks, each of three lines and two texts, made for nothing when ticks are not drawn. Here those
two steps skip ticks that do not exist yet, and a tick that is made later gets what it missed: the clip path, and the
rcParams of the moment it would have been made. (Parameters it gets anyway: the Axis keeps them for future ticks.)
Making a tick also puts the spines of its axis in place, so that is done instead.
Drawing, too, makes a tick per position; it is skipped when no part of a tick is switched on (as matplotlib does from
3.11 on).
Only for plain Axes; polar, 3-D and other kinds go the usual way. `install` leaves a matplotlib alone whose internals it
does not know; a test compares pictures with the stock library.
"""

import functools

import matplotlib
from matplotlib import axes, axis, spines

LISTS = ("majorTicks", "minorTicks")
PARTS = ("tick1On", "tick2On", "label1On", "label2On", "gridOn")


def install():
    lazy_list = getattr(axis, "_LazyTickList", None)
    known = (
        lazy_list is not None
        and all(isinstance(vars(axis.Axis).get(name), lazy_list) for name in LISTS)
        and hasattr(spines.Spine, "_ensure_position_is_set")
        and all(name in vars(axis.Axis) for name in ("set_tick_params", "set_clip_path", "reset_ticks", "_update_ticks"))
    )
    if known:
        axis.Axis.set_tick_params = _without_making_ticks(axis.Axis.set_tick_params)
        axis.Axis.set_clip_path = _remembering_clip(_without_making_ticks(axis.Axis.set_clip_path))
        axis.Axis.reset_ticks = _forgetting(axis.Axis.reset_ticks)
        axis.Axis._update_ticks = _skipping_unseen(axis.Axis._update_ticks)
        spines.Spine.get_window_extent = _measuring_unseen(spines.Spine.get_window_extent)
        lazy_list.__get__ = _completing(lazy_list.__get__)
    return known


def _rc_values():
    return list(dict.values(matplotlib.rcParams))  # far faster than a copy: the keys are always the same


def _set_rc_values(values):
    dict.update(matplotlib.rcParams, zip(dict.keys(matplotlib.rcParams), values))


def _unseen(an_axis):
    """Whether nobody has looked at the ticks of this Axis and no part of them is switched on."""
    settings = (an_axis._major_tick_kw, an_axis._minor_tick_kw)
    touched = any(vars(an_axis).get(name) for name in LISTS)
    return _plain(an_axis) and not touched and not any(kw.get(part, True) for kw in settings for part in PARTS)


def _plain(an_axis):
    return type(an_axis.axes) is axes.Axes


def _without_making_ticks(method):
    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        own = vars(self)
        if not _plain(self) or all(name in own for name in LISTS):
            return method(self, *args, **kwargs)
        for spine in self.axes.spines.values():
            if spine.axis is self:
                spine._ensure_position_is_set()
        missing = [name for name in LISTS if name not in own]
        own.setdefault("_missed_rc", _rc_values())
        for name in missing:
            own[name] = []
        try:
            return method(self, *args, **kwargs)
        finally:
            for name in missing:
                if own.get(name) == []:
                    del own[name]

    return wrapper


def _skipping_unseen(method):
    @functools.wraps(method)
    def wrapper(self):
        if not _unseen(self):
            return method(self)
        if self.offsetText.get_visible():  # its text comes from the formatter's last positions
            self.major.formatter.format_ticks(self.get_majorticklocs())
        return []

    return wrapper


def _measuring_unseen(method):
    """A spine makes room for the ticks of its axis: for none, when they are not seen."""
    without_ticks = _without_making_ticks(lambda _axis, spine, renderer: method(spine, renderer))

    @functools.wraps(method)
    def wrapper(self, renderer=None):
        if self.axis is None or not _unseen(self.axis):
            return method(self, renderer)
        return without_ticks(self.axis, self, renderer)

    return wrapper


def _remembering_clip(method):
    @functools.wraps(method)
    def wrapper(self, *args, **kwargs):
        method(self, *args, **kwargs)
        self._missed_clip = (self.clipbox, self._clippath)

    return wrapper


def _forgetting(method):
    @functools.wraps(method)
    def wrapper(self):
        vars(self).pop("_missed_rc", None)
        vars(self).pop("_missed_clip", None)
        method(self)

    return wrapper


def _completing(get):
    @functools.wraps(get)
    def wrapper(self, instance, owner):
        own = {} if instance is None else vars(instance)
        rc = own.get("_missed_rc")
        if rc is None or rc == (now := _rc_values()):
            ticks = get(self, instance, owner)
        else:
            _set_rc_values(rc)
            try:
                ticks = get(self, instance, owner)
            finally:
                _set_rc_values(now)
        if "_missed_clip" in own:
            for tick in ticks:
                for artist in (tick, tick.gridline):
                    artist.clipbox, artist._clippath = own["_missed_clip"]
        return ticks

    return wrapper
