"""Runs one cell in the session's lasting `__main__`, the way a notebook does, and says what came of it."""

import ast
import errno
import linecache
import re
import signal
import sys
import traceback

TRACEBACK_CHARS = 4096
MESSAGE_CHARS = 1024
# Addresses differ from run to run and mean nothing to the reader; a run must be repeatable from its seed.
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")


# Whether a system call filter answers EPERM here, so that this error means a thing the tool does not allow.
refuses_with_eperm = False


class CellTimeout(BaseException):
    """Raised in the cell when its time is over. Not an Exception, so that `except Exception` lets it through."""


class Deadline:
    """One shot of the interval timer that can raise only while it is armed."""

    def __init__(self):
        self.armed = False

    def _ring(self, _signal, _frame):
        if self.armed:
            self.armed = False
            raise CellTimeout

    def arm(self, seconds):
        signal.signal(signal.SIGALRM, self._ring)
        self.armed = True
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def disarm(self):
        self.armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def run(code, name, namespace, seconds, flush):
    """Runs `code` and returns the outcome as the host expects it. `flush` empties the output streams' buffers."""
    deadline = Deadline()
    try:
        deadline.arm(seconds)
        try:
            outcome = _outcome(code, name, namespace)
            flush()
        except OSError as error:  # the flush met the file size limit
            outcome = _describe(error)
        deadline.disarm()
        return outcome
    except CellTimeout:
        outcome = {"type": "timeout"}
    except MemoryError:  # of the description of an error
        deadline.disarm()
        outcome = {"type": "outOfMemory"}
    try:
        flush()
    except OSError:
        pass
    return outcome


def _outcome(code, name, namespace):
    try:
        _execute(code, name, namespace)
    except CellTimeout:
        raise
    except BaseException as error:
        return _describe(error)
    return {"type": "ok"}


def _execute(code, name, namespace):
    linecache.cache[name] = (len(code), None, code.splitlines(True), name)
    tree = ast.parse(code, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not code.rstrip().endswith(";"):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, name, "exec"), namespace)
    if last is not None:
        value = eval(compile(last, name, "eval"), namespace)
        if value is not None:
            print(repr(value))


def _describe(error):
    if isinstance(error, MemoryError):
        return {"type": "outOfMemory"}
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return {"type": "ok"}
    if refuses_with_eperm and isinstance(error, OSError) and error.errno == errno.EPERM:
        return {"type": "forbidden", "reason": clean(f"{type(error).__name__}: {error}{_line_of(error)}", MESSAGE_CHARS)}
    try:
        message = str(error)
    except (CellTimeout, MemoryError):
        raise
    except BaseException:
        message = "<the error's own __str__ failed>"
    return {
        "type": "pythonError",
        "errorType": clean(type(error).__name__, MESSAGE_CHARS),
        "message": clean(message, MESSAGE_CHARS),
        "traceback": clean(_traceback(error), TRACEBACK_CHARS),
    }


def _line_of(error):
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if _is_cell(frame.f_code.co_filename)]
    return f" (line {lines[-1]})" if lines else ""


def _is_cell(filename):
    return filename.startswith("<cell ")


def _traceback(error):
    report = traceback.TracebackException.from_exception(error, limit=-200)
    seen, todo = set(), [report]
    while todo:
        part = todo.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        # Rebuilt without columns: the markers under the line differ between Python versions and cost tokens.
        part.stack = traceback.StackSummary.from_list(
            [(f.filename, f.lineno, f.name, f.line) for f in part.stack if _is_cell(f.filename)]
        )
        todo += [part.__cause__, part.__context__, *(getattr(part, "exceptions", None) or ())]
    return "".join(report.format()).rstrip("\n")


def clean(text, limit):
    """Text without addresses, cut in the middle to about `limit` characters."""
    text = ADDRESS.sub("at 0x...", text)
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut ...]\n{text[-half:]}"
