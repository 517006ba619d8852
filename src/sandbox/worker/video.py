"""Videos as programs about them expect them: decord's reader, on PyAV, one frame at a time.

Opening reads the packets' times and decodes nothing: the number of frames is exact, and a frame costs the decoding from
the keyframe before it, or only itself when it follows the last one. FFmpeg reads the descriptor itself (`fd:`): through
a Python file object its callbacks would swallow the deadline's exception. It may open nothing else, so a playlist that
names other files is not a video here.

decord itself is not used, even where it is installed: it wants a file's name, and a session has none, only a descriptor
(or it reads the whole file into memory); it has no wheels for arm64 and no release since 2021; and two decoders would
give two machines different pixels for one frame. What differs from it on purpose: the number of frames is counted, not
taken from the header; times count from the beginning of the file, as players show them; errors name the variable.
"""

import bisect
import importlib.machinery
import itertools
import math
import operator
import os
import stat
import sys
from fractions import Fraction

import numpy as np

VP8_SHOWN = 0x10  # in the first byte of a packet; the others are references only and never become a frame


class Unreadable(Exception):
    """The user's file is at fault; the text says how, and goes on from the file's name."""


class Pixels(np.ndarray):
    """What the reader gives: an array, uint8 RGB, that also has decord's `asnumpy`."""

    def asnumpy(self):
        return self.view(np.ndarray)


def read(descriptor, error, name):
    """The reader, called `name` in the session, of an open file, or why there is none (an error number). Raises
    Unreadable, or ImportError without PyAV."""
    if descriptor is None:
        raise Unreadable(f"cannot be read ({os.strerror(error)})")
    info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        raise Unreadable("is not a file")
    if info.st_size == 0:
        raise Unreadable("is empty")
    import av

    try:
        reader = VideoReader(descriptor, name)
        if DecordFinder not in sys.meta_path:
            sys.meta_path.append(DecordFinder)  # the last to be asked, so that an installed decord comes first
        return reader
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Unreadable(f"is not a video that can be read ({error.strerror})") from None


class VideoReader:
    """`len(video)`, `video[3]`, `video[10:20:5]`, `video.get_batch([0, -1])`, `video.get_avg_fps()`,
    `video.get_frame_timestamp(3)` and the rest of decord's reader; frames in the order they are shown."""

    def __init__(self, descriptor, name):
        self._descriptor, self._name = descriptor, name
        self._decoder = self._frame = self._at = None
        self._next = 0  # what next() gives
        self._reopen()
        self._make_index()

    def __repr__(self):
        return f"<{self._name}: {len(self)} frames at {self.get_avg_fps():.4g} fps>"

    def __len__(self):
        return len(self._times)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.get_batch(range(*index.indices(len(self))))
        number = self._checked(index)
        frame = self._pixels(self._find(number))
        self._next = number + 1
        return frame

    def get_batch(self, indices):
        """Frames [N, H, W, 3], in the order of the indices whatever the order they are decoded in."""
        wanted = self._all_checked(indices)
        if not wanted:
            raise ValueError(f"{self._name}: get_batch needs at least one index")
        batch = None
        for at in sorted(range(len(wanted)), key=wanted.__getitem__):
            pixels = self._pixels(self._find(wanted[at]))
            if batch is None:
                batch = np.empty((len(wanted), *pixels.shape), np.uint8).view(Pixels)
            batch[at] = pixels
        self._next = max(wanted) + 1
        return batch

    def get_avg_fps(self):
        return self._fps

    def get_frame_timestamp(self, index):
        """Start and end in seconds from the beginning of the file: [2] of one index, [N, 2] of a list or slice."""
        if isinstance(index, slice):
            index = range(*index.indices(len(self)))
        if np.ndim(index) == 0:
            return self._shown(self._checked(index))
        return np.array([self._shown(number) for number in self._all_checked(index)]).reshape(-1, 2)

    def get_key_indices(self):
        """Indices of the frames that decode by themselves."""
        return list(self._key_indices)

    def next(self):
        """The frame after the one that was read last. Raises StopIteration behind the last."""
        if self._next >= len(self):
            raise StopIteration
        return self[self._next]

    def seek(self, index):
        """Makes the keyframe before this frame, or itself, what next() gives."""
        at = bisect.bisect_right(self._key_indices, self._checked(index)) - 1
        self._next = self._key_indices[at] if at >= 0 else 0

    def seek_accurate(self, index):
        self._next = self._checked(index)

    def skip_frames(self, num=1):
        self._next += max(0, operator.index(num))

    def _checked(self, index):
        try:
            number = operator.index(index)
        except TypeError:
            raise TypeError(f"{self._name}: an index must be a whole number, got {type(index).__name__}; "
                            "get_batch takes a list of them") from None
        if not -len(self) <= number < len(self):
            raise IndexError(f"{self._name}: there is no frame {number}; it has {len(self)} frames, 0 to {len(self) - 1}")
        return number % len(self)

    def _all_checked(self, indices):
        """Of a list, range or array. Fractions, e.g. of a linspace, are cut off: decord does so."""
        if np.ndim(indices) != 1:
            raise TypeError(f"{self._name}: get_batch takes a list of indices, got {type(indices).__name__}"
                            + (f" of {np.ndim(indices)} dimensions" if np.ndim(indices) else ""))
        return [self._checked(int(i) if isinstance(i, (float, np.floating)) and math.isfinite(i) else i) for i in indices]

    def _shown(self, number):
        """When this frame is shown: (start, end) in seconds."""
        def second(at):
            if self._timed:
                return float((self._times[at] - self._start) * self._stream.time_base)
            return at / self._fps if self._fps else 0.0

        start = second(number)
        if number + 1 < len(self):
            return np.array([start, second(number + 1)])
        return np.array([start, start + (1 / self._fps if self._fps else 0.0)])

    def _reopen(self):
        """A container at the beginning of the file."""
        import av

        os.lseek(self._descriptor, 0, os.SEEK_SET)
        options = {"fd": str(self._descriptor), "protocol_whitelist": "fd"}
        self._container = av.open("fd:", options=options, metadata_errors="ignore")
        streams = self._container.streams
        covers = av.stream.Disposition.attached_pic
        moving = [stream for stream in streams.video if not stream.disposition & covers]
        if not moving:
            if not streams:
                raise Unreadable("holds no stream at all: it is cut off or damaged")
            raise Unreadable(f"has no video stream (only {', '.join(sorted({s.type for s in streams}))})")
        self._stream = moving[0]
        for stream in streams:
            if stream is not self._stream:
                stream.discard = "all"
        if self._stream.codec_context is None:
            raise Unreadable("has a video stream of a kind that nothing here can decode")
        self._stream.codec_context.thread_count = 1

    def _make_index(self):
        codec = self._stream.codec_context
        packets = []  # (time, whether decoding can begin here)
        for packet in self._container.demux(self._stream):
            if packet.size == 0 or packet.is_discard:
                continue
            if codec.name == "vp8" and not bytes(packet)[0] & VP8_SHOWN:
                continue
            packets.append((packet.pts, packet.is_keyframe))
        self._size = (codec.width, codec.height)
        if not packets or 0 in self._size:
            raise Unreadable("has a video stream without a frame")
        times = {time for time, _ in packets}
        # Without times of their own (bare streams) frames are known by counting, from the beginning each time.
        self._timed = None not in times and len(times) == len(packets)
        self._times = sorted(times) if self._timed else list(range(len(packets)))
        self._keys = sorted(time for time, key in packets if key) if self._timed else []
        if self._timed:
            self._key_indices = [bisect.bisect_left(self._times, time) for time in self._keys]
        else:
            self._key_indices = [at for at, (_, key) in enumerate(packets) if key]
        begin = self._container.start_time  # of the first of all streams, in microseconds
        self._start = 0 if begin is None else round(Fraction(begin, 1_000_000) / self._stream.time_base)
        self._fps = self._average_rate()

    def _average_rate(self):
        """The header's rate, unless the frames' own times say otherwise: some headers state the highest or a wish."""
        stated = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        if not self._timed or len(self) < 2:
            return stated
        counted = float((len(self) - 1) / ((self._times[-1] - self._times[0]) * self._stream.time_base))
        return stated if abs(stated - counted) <= 0.01 * counted else counted

    def _find(self, index):
        """The decoded frame; the decoder stays behind it, for the next."""
        time = self._times[index]
        if self._decoder is not None and self._at == time:
            return self._frame
        key = bisect.bisect_right(self._keys, time) - 1
        decoder, self._decoder = self._decoder, None  # given back only when nothing broke off the decoding
        if decoder is None or time < self._at or (key >= 0 and self._keys[key] > self._at):
            decoder = self._decode(self._packets_from(key))
        for at, frame in decoder:
            if at >= time:
                self._at, self._frame, self._decoder = at, frame, decoder
                break
        if self._decoder is None or self._at != time:
            raise RuntimeError(f"{self._name}: frame {index} cannot be decoded; the file is damaged there")
        return self._frame

    def _packets_from(self, key):
        """Packets from this keyframe on, or from an earlier one where the container cannot go there."""
        while key > 0:
            self._container.seek(self._keys[key], stream=self._stream)
            packets = self._container.demux(self._stream)
            first = next(packets)
            if first.is_keyframe and first.pts is not None and first.pts <= self._keys[key]:
                return itertools.chain((first,), packets)
            key -= 1
        self._reopen()
        return self._container.demux(self._stream)

    def _decode(self, packets):
        import av

        count = 0
        for packet in packets:
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                continue  # its frame is missed by whoever asks for it
            for frame in frames:
                yield (frame.pts if self._timed else count), frame
                count += 1

    def _pixels(self, frame):
        width, height = self._size
        rgb = frame.to_ndarray(format="rgb24", width=width, height=height, threads=1)
        # Phones film sideways and say so; the shown frame is upright.
        return np.ascontiguousarray(np.rot90(rgb, frame.rotation // 90)).view(Pixels)


class DecordFinder:
    """`import decord` where decord is not installed: programs written for it begin so. `VideoReader` takes a reader that
    is already open (`video_clue_0`, which it returns) or the name of a file that the program itself can open."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name not in ("decord", "decord.bridge"):
            return None
        return importlib.machinery.ModuleSpec(name, cls, is_package=name == "decord")

    @staticmethod
    def create_module(spec):
        return None

    @classmethod
    def exec_module(cls, module):
        if module.__name__ == "decord.bridge":
            module.set_bridge = cls._set_bridge
            return
        module.VideoReader, module.cpu = cls._open, lambda device=0: None
        module.bridge = importlib.import_module("decord.bridge")

    @staticmethod
    def _open(uri, ctx=None, **_):
        if isinstance(uri, VideoReader):
            return uri
        try:
            return read(os.open(uri, os.O_RDONLY | os.O_NONBLOCK), None, os.path.basename(os.fspath(uri)))
        except FileNotFoundError:
            raise FileNotFoundError(f"decord: there is no file {uri!r}; a video of the question is already open: use the "
                                    "variable video_clue_0 itself") from None
        except Unreadable as error:
            raise RuntimeError(f"decord: {uri!r} {error}") from None

    @staticmethod
    def _set_bridge(name):
        if name != "native":
            raise ValueError(f"decord.bridge: only the native bridge is here, whose frames have asnumpy(); got {name!r}")
