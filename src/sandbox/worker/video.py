"""Videos as programs about them expect them: decord's reader, on PyAV, one frame at a time.

Opening reads the packets' times and decodes nothing: the number of frames is exact, and a frame costs the decoding from
the keyframe before it, or only itself when it follows the last one. FFmpeg reads the descriptor itself (`fd:`): through
a Python file object its callbacks would swallow the deadline's exception. It may open nothing else, so a playlist that
names other files is not a video here.
"""

import bisect
import itertools
import operator
import os
import stat

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
        return VideoReader(descriptor, name)
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise Unreadable(f"is not a video that can be read ({error.strerror})") from None


class VideoReader:
    """`len(video)`, `video[3]`, `video.get_batch([0, -1])`, `video.get_avg_fps()`; frames in the order they are shown."""

    def __init__(self, descriptor, name):
        self._descriptor, self._name = descriptor, name
        self._decoder = self._frame = self._at = None
        self._reopen()
        self._make_index()

    def __repr__(self):
        return f"<{self._name}: {len(self)} frames at {self.get_avg_fps():.4g} fps>"

    def __len__(self):
        return len(self._times)

    def __getitem__(self, index):
        return self._pixels(self._find(self._checked(index)))

    def get_batch(self, indices):
        """Frames [N, H, W, 3], in the order of the indices whatever the order they are decoded in."""
        wanted = [self._checked(index) for index in indices]
        if not wanted:
            raise ValueError(f"{self._name}: get_batch needs at least one index")
        batch = None
        for at in sorted(range(len(wanted)), key=wanted.__getitem__):
            pixels = self._pixels(self._find(wanted[at]))
            if batch is None:
                batch = np.empty((len(wanted), *pixels.shape), np.uint8).view(Pixels)
            batch[at] = pixels
        return batch

    def get_avg_fps(self):
        return self._fps

    def _checked(self, index):
        try:
            number = operator.index(index)
        except TypeError:
            raise TypeError(f"{self._name}: an index must be a whole number, got {type(index).__name__}; "
                            "get_batch takes a list of them") from None
        if not -len(self) <= number < len(self):
            raise IndexError(f"{self._name}: there is no frame {number}; it has {len(self)} frames, 0 to {len(self) - 1}")
        return number % len(self)

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
            raise Unreadable(f"has no video stream (only {', '.join(sorted({s.type for s in streams})) or 'nothing'})")
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
        rate = self._stream.average_rate or self._stream.guessed_rate
        if not rate and self._timed and len(packets) > 1:
            rate = (len(packets) - 1) / ((self._times[-1] - self._times[0]) * self._stream.time_base)
        self._fps = float(rate or 0)

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
