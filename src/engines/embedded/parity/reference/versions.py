"""The versions of the packages that this side is made of."""
from importlib.metadata import version


def run(folder, job):
    return {name: version(name) for name in ("torch", "torchvision", "transformers", "tokenizers", "safetensors", "pillow", "numpy")}
