"""Starts SkyRL's Tinker API server, or its engine, without `uv` and without PyTorch.

    python launch.py api    '{"port": 8000, "folder": "removed at the end", "engine": {EngineConfig fields}}'
    python launch.py engine --base-model ...          (the server starts this one itself)

Three things of SkyRL 0.3.0 are worked around, in this process only:
  - On Python 3.11 pydantic refuses `typing.TypedDict`, which SkyRL uses; `typing_extensions` has the one it takes.
  - The JAX backend imports `torch` for a type and `peft` to write one JSON file; both would bring CUDA libraries of
    several GB. Two small modules stand in for them, after Transformers has seen that there is no PyTorch.
  - The server starts its engine by repeating the `uv run` command it was started with; here there is none.

It ends when its standard input does, so a parent that dies in any way leaves neither server nor engine behind.
"""

import importlib.machinery
import json
import os
import runpy
import shutil
import signal
import sys
import threading
import types


def allow_typed_dict():
    if sys.version_info < (3, 12):
        import typing

        import typing_extensions

        typing.TypedDict = typing_extensions.TypedDict


class LoraConfig:
    """The part of PEFT's that SkyRL calls: it keeps its arguments and writes them beside the weights."""

    def __init__(self, **fields):
        self.fields = fields

    def save_pretrained(self, folder):
        with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8") as file:
            json.dump({"peft_type": "LORA", **self.fields}, file, indent=2, default=str)


def stand_in(name, **contents):
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    module.__dict__.update(contents)
    sys.modules.setdefault(name, module)


def prepare():
    allow_typed_dict()
    from transformers.utils import is_torch_available

    is_torch_available()  # it remembers what it sees, so it must look before the stand-in is there
    stand_in("torch", Tensor=type("Tensor", (), {}))
    stand_in("peft", LoraConfig=LoraConfig)


def end_with_parent(stop):
    """Calls `stop` when standard input, a pipe from the parent, ends."""

    def wait():
        while os.read(0, 4096):
            pass
        stop()

    threading.Thread(target=wait, daemon=True).start()


def run_api(settings):
    import uvicorn

    import skyrl.tinker.api as api
    from skyrl.tinker.config import EngineConfig, config_to_argv
    from skyrl.utils.log import get_uvicorn_log_config

    api._build_uv_run_cmd_engine = lambda parent, config: [
        sys.executable,
        os.path.abspath(__file__),
        "engine",
        *config_to_argv(config),
    ]
    api.app.state.engine_config = EngineConfig.model_validate(settings["engine"])
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        uvicorn.run(
            api.app,
            host="127.0.0.1",
            port=settings["port"],
            log_config=get_uvicorn_log_config(),
            # Whoever waits for a result would otherwise hold the end up for five minutes.
            timeout_graceful_shutdown=3,
        )
    finally:
        shutil.rmtree(settings["folder"], ignore_errors=True)


def run_engine(argv):
    # It inherits the server's standard input, and must not outlive the server either.
    end_with_parent(lambda: os.kill(os.getpid(), signal.SIGKILL))
    sys.argv = ["skyrl.tinker.engine", *argv]
    runpy.run_module("skyrl.tinker.engine", run_name="__main__")


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    prepare()
    if role == "api":
        run_api(json.loads(rest[0]))
    else:
        run_engine(rest)
