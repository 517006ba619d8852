// The Python environments of the project: the one that the model's programs run in, which every fresh clone gets, and
// the one of the parity suite, which only `npm run test:parity` makes.
/** @typedef {import("./pythonEnvironment.mjs").PythonEnvironment} PythonEnvironment */

/** @type {PythonEnvironment} */
export const PROGRAM_ENVIRONMENT = {
  folder: ".venv",
  requirements: ["requirements.txt"],
  size: "about 80 MB to download, 300 MB on disk",
  // Matplotlib's font list takes some seconds, once for each user.
  importAll: "import numpy, PIL.Image, av, matplotlib; matplotlib.use('agg'); import matplotlib.pyplot",
  loading: "Loading the Python packages once (this also builds matplotlib's font list) …",
};

/** @type {PythonEnvironment} */
export const PARITY_ENVIRONMENT = {
  folder: ".venv-parity",
  requirements: ["requirements-parity.txt", "requirements-jupyter.txt"],
  size: "on Linux x86-64 about 2.8 GB to download, 5 GB on disk: see requirements-parity.txt",
  importAll:
    "import torch, torchvision, safetensors, tokenizers, PIL.Image; from transformers import AutoProcessor, Qwen2_5_VLForConditionalGeneration",
  loading: "Loading PyTorch and Transformers once …",
};
