"""Collects what a cell writes, also what C code writes to file descriptors 1 and 2.

Both descriptors lead to one nameless file, opened for appending; it is read and emptied after every cell. In memory
where the system has such files, so that a full scratch folder silences nobody. Only the
beginning and the end are ever read into memory, so a flood costs disk up to the file size limit and nothing else.
"""

import errno
import fcntl
import io
import os
import sys

from cell import CellTimeout, clean


class Output:
    def __init__(self, folder, max_bytes):
        self._file = _nameless_file(folder)
        self._max_bytes = max_bytes
        self.begin()
        self._open_streams()

    def _open_streams(self):
        # One buffer under both streams keeps prints and errors in the order they were written.
        buffer = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
        text = {"encoding": "utf-8", "errors": "backslashreplace", "newline": "\n", "write_through": True}
        self._streams = (io.TextIOWrapper(buffer, **text), io.TextIOWrapper(buffer, **text))
        sys.stdout, sys.stderr = self._streams

    def begin(self):
        """Puts the descriptors back in place, whatever the last cell did to them."""
        os.dup2(self._file, 1)
        os.dup2(self._file, 2)

    def flush(self):
        """Empties the streams' buffers into the file. Raises OSError when the file is full."""
        for stream in (*self._streams, sys.stdout, sys.stderr):
            try:
                stream.flush()
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
                self.begin()  # the cell closed the descriptor behind the text
                stream.flush()
            except CellTimeout:
                raise
            except BaseException:
                pass  # the cell put something of its own there, or closed it

    def take(self):
        """The text since the last call, its middle cut out when it is too long, and its size in bytes."""
        size = os.fstat(self._file).st_size
        if size <= self._max_bytes:
            text = os.pread(self._file, size, 0).decode("utf-8", "replace")
        else:
            half = self._max_bytes // 2
            head = os.pread(self._file, half, 0).decode("utf-8", "ignore")
            tail = os.pread(self._file, half, size - half).decode("utf-8", "ignore")
            text = f"{head}\n[... {size - 2 * half} bytes cut ...]\n{tail}"
        if size:
            os.ftruncate(self._file, 0)
        if any(stream.closed for stream in self._streams) or (sys.stdout, sys.stderr) != self._streams:
            self._open_streams()
        return clean(text, 4 * self._max_bytes), size

    def discard(self):
        """Throws away what a full file left in the streams' buffer."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
        self.flush()
        self.begin()


def _nameless_file(folder):
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("output")
        fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)
        return file
    path = os.path.join(folder, ".output")
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.unlink(path)
    return file
