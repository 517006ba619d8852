"""The official Python SDK of the Tinker API (`tinker`) against `pyvision serve --tinker`.

Reads job.json in the folder that it is given (baseUrl, model: the served name, which is the checkpoint's folder, picture: a
PNG file), writes result.json there. The key comes from TINKER_API_KEY. Every training step is written down with its data and
what came back: officialSdkReference.py takes the same steps with PyTorch, and officialSdk.parity.ts says what must hold.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import tinker
import torch
from tinker import types
from tinker_cookbook import weights
from transformers import AutoImageProcessor, AutoTokenizer

# The SDK marks calls that it means to drop; some are called here on purpose.
warnings.simplefilter("ignore", FutureWarning)

LEARNING = {"learning_rate": 2e-3, "beta1": 0.9, "beta2": 0.95, "eps": 1e-3}
CLIP = {"clip_low_threshold": 0.8, "clip_high_threshold": 1.2}


class Book:
    """Makes datums, and writes down every step of one training client."""

    def __init__(self, folder, job):
        self.model = job["model"]
        self.tokenizer = AutoTokenizer.from_pretrained(self.model)
        processor = AutoImageProcessor.from_pretrained(self.model)
        self.picture = (folder / job["picture"]).read_bytes()
        patches = processor.get_number_of_image_patches(job["height"], job["width"], images_kwargs={})
        self.image_tokens = patches // processor.merge_size**2
        self.steps = []

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False)

    def image(self, expected=None, data=None):
        tokens = self.image_tokens if expected is None else expected
        return types.ImageChunk(data=self.picture if data is None else data, format="png", expected_tokens=tokens)

    def prompt(self, with_image):
        head, tail = "<|im_start|>user\n", "What is shown top left?<|im_end|>\n<|im_start|>assistant\n"
        if not with_image:
            return [types.EncodedTextChunk(tokens=self.encode(head + tail))]
        return [
            types.EncodedTextChunk(tokens=self.encode(head + "<|vision_start|>")),
            self.image(),
            types.EncodedTextChunk(tokens=self.encode("<|vision_end|>" + tail)),
        ]

    def datum(self, prompt, answer, **inputs):
        """The sequence of prompt and answer, of which the first predicts the next; inputs are those of the answer's tokens."""
        chunks, targets = [], []
        for chunk in [*prompt, types.EncodedTextChunk(tokens=answer)]:
            is_text = isinstance(chunk, types.EncodedTextChunk)
            targets += list(chunk.tokens) if is_text else [0] * chunk.length
            chunks.append(chunk)
        chunks[-1] = types.EncodedTextChunk(tokens=answer[:-1])
        if len(answer) == 1:
            chunks.pop()
        before = [0.0] * (len(targets) - 1 - len(answer))
        return types.Datum(
            model_input=types.ModelInput(chunks=chunks),
            loss_fn_inputs={"target_tokens": targets[1:], **{k: before + list(v) for k, v in inputs.items()}},
        )

    def step(self, client, data, loss_fn, config=None, optim=None, forward_only=False, note=True):
        """One forward, or forward and backward with an optimiser step behind it, both sent before either is awaited."""
        call = client.forward if forward_only else client.forward_backward
        future = call(data, loss_fn, config)
        stepped = None if optim is None else client.optim_step(types.AdamParams(**optim))
        output = future.result()
        entry = {
            "loss_fn": loss_fn,
            "config": config,
            "forward_only": forward_only,
            "optim": optim,
            "data": [plain_datum(datum) for datum in data],
            "metrics": output.metrics,
            "logprobs": [list(each["logprobs"].data) for each in output.loss_fn_outputs],
            "optim_metrics": None if stepped is None else stepped.result().metrics,
        }
        if note:
            self.steps.append(entry)
        return entry


def plain_datum(datum):
    chunks = [
        {"tokens": list(c.tokens)} if isinstance(c, types.EncodedTextChunk) else {"image": c.expected_tokens}
        for c in datum.model_input.chunks
    ]
    return {"chunks": chunks, "inputs": {name: list(t.data) for name, t in datum.loss_fn_inputs.items()}}


def sequence_of(datum):
    """The whole sequence of a datum as a prompt."""
    last = list(datum.loss_fn_inputs["target_tokens"].data)[-1]
    *chunks, end = datum.model_input.chunks
    return types.ModelInput(chunks=[*chunks, types.EncodedTextChunk(tokens=[*end.tokens, int(last)])])


def plain_sample(response):
    return [
        {"tokens": list(s.tokens), "logprobs": list(s.logprobs), "stop": s.stop_reason, "id": s.sequence_id}
        for s in response.sequences
    ]


def failure(call):
    """How a call fails: the exception's class, its category or status, and its words; and how long that took."""
    began = time.monotonic()
    try:
        call()
    except Exception as error:
        category = getattr(error, "category", None)
        return {
            "type": type(error).__name__,
            "category": None if category is None else str(category),
            "status": getattr(error, "status_code", None),
            "text": str(error),
            "seconds": time.monotonic() - began,
        }
    return None


def supervised_data(book):
    answer = book.encode("A red square.<|im_end|>")
    weights = [1.0] * len(answer)
    weights[0], weights[-1] = 0.5, 2.0
    seen = book.encode("A blue circle<|im_end|>")
    return [
        book.datum(book.prompt(False), answer, weights=weights),
        book.datum(book.prompt(True), seen, weights=[1.0] * len(seen)),
    ]


def other_targets(book):
    """Targets that are not the text itself, as distillation has them, some of weight 0."""
    datum = supervised_data(book)[1]
    n = datum.model_input.length
    targets = [(17 * i) % 400 for i in range(n)]
    weights = [(0.0, 0.5, 1.0)[i % 3] for i in range(n)]
    return types.Datum(model_input=datum.model_input, loss_fn_inputs={"target_tokens": targets, "weights": weights})


def reinforcement_data(book, sampler):
    """Two prompts, some answers each, with advantages of either sign and the sampler's own log-probabilities."""
    data, moved = [], []
    for with_image, count in ((False, 3), (True, 2)):
        prompt = book.prompt(with_image)
        params = types.SamplingParams(max_tokens=8, seed=11, temperature=1.0)
        sequences = sampler.sample(types.ModelInput(chunks=prompt), count, params).result().sequences
        for i, sequence in enumerate(sequences):
            n = len(sequence.tokens)
            advantages = [(1.0, -0.75, 0.5)[i]] * n
            logprobs = list(sequence.logprobs)
            # Ratios inside and outside of the clip range, on either side.
            shifted = [q + (-0.5, -0.1, 0.1, 0.5)[(i + k) % 4] for k, q in enumerate(logprobs)]
            data.append(book.datum(prompt, list(sequence.tokens), logprobs=logprobs, advantages=advantages))
            moved.append(book.datum(prompt, list(sequence.tokens), logprobs=shifted, advantages=advantages))
    return data, moved


def sampling(book, sampler):
    prompt = types.ModelInput(chunks=book.prompt(True))
    out = {}

    def ask(count=1, **params):
        return plain_sample(sampler.sample(prompt, count, types.SamplingParams(**params)).result())

    out["greedy"] = ask(max_tokens=16, temperature=0.0)
    out["topOne"] = ask(max_tokens=16, temperature=1.0, top_k=1, seed=3)
    out["smallNucleus"] = ask(max_tokens=16, temperature=1.0, top_p=1e-6, seed=3)
    out["seeded"] = [ask(4, max_tokens=12, seed=7), ask(4, max_tokens=12, seed=7), ask(4, max_tokens=12, seed=8)]
    out["unseeded"] = [ask(2, max_tokens=24), ask(2, max_tokens=24)]
    greedy = out["greedy"][0]["tokens"]
    # The text after two tokens or more, and so that the first find ends the answer.
    stop = book.tokenizer.decode(greedy[2:4])
    out["stopString"] = {"stop": stop, "reply": ask(max_tokens=16, temperature=0.0, stop=[stop])[0]}
    out["stopString"]["text"] = book.tokenizer.decode(out["stopString"]["reply"]["tokens"])
    out["stopString"]["greedyText"] = book.tokenizer.decode(greedy)
    out["stopToken"] = {"stop": greedy[3], "reply": ask(max_tokens=16, temperature=0.0, stop=[greedy[3]])[0]}
    out["endless"] = ask(max_tokens=40, temperature=0.0, stop=[])[0]
    out["short"] = ask(max_tokens=2, temperature=0.0)[0]
    out["endOfTurn"] = book.tokenizer.convert_tokens_to_ids("<|im_end|>")
    futures = [sampler.sample(prompt, 1, types.SamplingParams(max_tokens=12, seed=seed)) for seed in range(6)]
    out["together"] = [plain_sample(future.result())[0]["tokens"] for future in futures]
    out["alone"] = [ask(max_tokens=12, seed=seed)[0]["tokens"] for seed in range(6)]
    return out


def custom_loss(data, logprobs_list):
    """Not a weighted log-likelihood, and with gradients of either sign."""
    total = torch.zeros(())
    for datum, logprobs in zip(data, logprobs_list):
        weights = datum.loss_fn_inputs["weights"].to_torch()
        signs = torch.tensor([1.0, -2.0]).repeat(len(weights))[: len(weights)]
        total = total + (weights * signs * torch.exp(logprobs)).sum()
    return total, {"custom_terms": float(len(data))}


def errors(book, service, client, sampler):
    good = supervised_data(book)[0]
    text = types.ModelInput.from_ints([1, 2, 3])

    def forward(datum, loss_fn="cross_entropy", config=None):
        return lambda: client.forward([datum], loss_fn, config).result()

    def sample(prompt, **params):
        return lambda: sampler.sample(prompt, 1, types.SamplingParams(**{"max_tokens": 2, **params})).result()

    def inputs(**given):
        return types.Datum(model_input=text, loss_fn_inputs=given)

    three = types.TensorData(data=[0.0, 0.0, 1.0], dtype="float32", shape=[3])
    bad_image = [types.EncodedTextChunk(tokens=[1]), book.image(expected=book.image_tokens + 1)]
    not_an_image = [types.EncodedTextChunk(tokens=[1]), book.image(data=b"no picture")]
    long_prompt = types.ModelInput.from_ints([5] * 40_000)
    image_targets = [0] * (book.image_tokens + 2)
    found = {
        "baseModel": failure(lambda: service.create_lora_training_client("no/such-model").result()),
        "samplerModel": failure(lambda: service.create_sampling_client(base_model="no/such-model").result()),
        "lengths": failure(forward(inputs(target_tokens=[2, 3], weights=[1.0, 1.0]))),
        "weights": failure(forward(inputs(target_tokens=[2, 3, 4], weights=[1.0, 1.0]))),
        "unknownInput": failure(forward(inputs(target_tokens=[2, 3, 4], weights=[1.0, 1.0, 1.0], mask=three))),
        "missingTargets": failure(forward(inputs(weights=[1.0, 1.0, 1.0]))),
        "missingAdvantages": failure(forward(inputs(target_tokens=[2, 3, 4], logprobs=[0.0] * 3), "ppo")),
        "unknownLoss": failure(forward(good, "dro")),
        "unknownConfig": failure(forward(good, "cross_entropy", {"clip_low": 0.5})),
        "tokenId": failure(forward(inputs(target_tokens=[2, 3, 10**6], weights=[1.0] * 3))),
        "expectedTokens": failure(
            forward(
                types.Datum(
                    model_input=types.ModelInput(chunks=bad_image),
                    loss_fn_inputs={"target_tokens": image_targets, "weights": [1.0] * len(image_targets)},
                )
            )
        ),
        "sampleExpectedTokens": failure(sample(types.ModelInput(chunks=bad_image))),
        "notAnImage": failure(sample(types.ModelInput(chunks=not_an_image))),
        "longPrompt": failure(sample(long_prompt)),
        "temperature": failure(sample(text, temperature=-1.0)),
        # Served for the tokens of the prompt alone.
        "alternatives": failure(
            lambda: sampler.sample(
                text, 1, types.SamplingParams(max_tokens=1), include_prompt_logprobs=True, topk_prompt_logprobs=3
            ).result()
        ),
        "lateLoad": failure(lambda: client.load_state("tinker://no-such-run/weights/x").result()),
        "noCheckpoint": failure(lambda: service.create_training_client_from_state("tinker://no-run/weights/x").result()),
        "noSampler": failure(lambda: service.create_sampling_client("tinker://no-run/sampler_weights/x").result()),
        "optimizer": failure(
            lambda: service.create_lora_training_client(book.model, optimizer=types.DimuonOptimizerConfig()).result()
        ),
    }
    # Refused calls leave no gap: the client goes on.
    found["afterwards"] = list(client.forward([good], "cross_entropy").result().loss_fn_outputs[0]["logprobs"].data)
    return found


def key_failure(job):
    """What a client with a wrong key sees."""
    client = tinker.ServiceClient(base_url=job["baseUrl"], api_key="tml-wrong")
    return failure(lambda: client.create_lora_training_client(job["model"]).result())


def chunked(book, client):
    """More datums than one request holds: the SDK sends several, of which the first comes last."""
    few = [([1, 2], [2, 3]), ([4], [5]), ([6, 7, 8], [7, 8, 9])]
    data = [
        types.Datum(
            model_input=types.ModelInput.from_ints(tokens),
            loss_fn_inputs={"target_tokens": targets, "weights": [1.0] * len(targets)},
        )
        for tokens, targets in (few[i % 3] for i in range(1030))
    ]
    result = client.forward(data, "cross_entropy").result()
    alone = client.forward(data[:3], "cross_entropy").result()
    return {
        "loss": result.metrics["loss:sum"],
        "alone": [list(each["logprobs"].data) for each in alone.loss_fn_outputs],
        "logprobs": [list(each["logprobs"].data) for each in result.loss_fn_outputs],
    }


def rest(service, client):
    api = service.create_rest_client()
    unwanted = client.save_weights_for_sampler("unwanted").result().path
    run = client.model_id

    def checkpoints():
        return sorted(each.checkpoint_id for each in api.list_checkpoints(run).result().checkpoints)

    found = {
        "capabilities": [m.model_name for m in api.get_server_capabilities().result().supported_models],
        "runs": [each.training_run_id for each in api.list_training_runs().result().training_runs],
        "run": api.get_training_run(run).result().base_model,
        "checkpoints": checkpoints(),
        "weightsInfo": api.get_weights_info_by_tinker_path(f"tinker://{run}/weights/mid").result().base_model,
        "session": api.get_session(client.holder.get_session_id()).result().training_run_ids,
    }
    api.delete_checkpoint_from_tinker_path(unwanted).result()
    found["afterDeletion"] = checkpoints()
    found["deleted"] = failure(lambda: service.create_sampling_client(unwanted).result())
    return found


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    book = Book(folder, job)
    service = tinker.ServiceClient(base_url=job["baseUrl"])
    client = service.create_lora_training_client(book.model, rank=8, seed=1).result()
    info = client.get_info()
    result = {
        "info": {"name": info.model_data.model_name, "isLora": info.is_lora, "id": client.model_id},
        "tokenizer": client.get_tokenizer().encode("A red square.<|im_end|>"),
        "theirTokenizer": book.encode("A red square.<|im_end|>"),
        "imageTokens": book.image_tokens,
    }

    data = supervised_data(book)
    first = client.save_weights_and_get_sampling_client().result()
    sequences = [sequence_of(datum) for datum in data]

    def scores(sampler):
        return [sampler.compute_logprobs(sequence).result() for sequence in sequences]

    greedy = types.SamplingParams(max_tokens=16, temperature=0.0)
    prompt = types.ModelInput(chunks=book.prompt(True))
    result["before"] = {"scores": scores(first), "greedy": plain_sample(first.sample(prompt, 1, greedy).result())}
    base = service.create_sampling_client(base_model=book.model).result()
    result["base"] = scores(base)

    book.step(client, data, "cross_entropy", forward_only=True)
    for _ in range(2):
        book.step(client, data, "cross_entropy", optim=LEARNING)
    saved = client.save_state("mid").result()
    result["saved"] = saved.path
    book.step(client, data, "cross_entropy", optim=LEARNING)
    # Gradients add up until the step.
    book.step(client, data[:1], "cross_entropy")
    book.step(client, data[1:], "cross_entropy", optim=LEARNING)
    book.step(client, data, "cross_entropy", optim={**LEARNING, "weight_decay": 0.1, "grad_clip_norm": 0.05})

    book.step(client, [other_targets(book)], "cross_entropy", optim=LEARNING)

    second = client.save_weights_and_get_sampling_client().result()
    result["sampling"] = sampling(book, second)
    on_policy, off_policy = reinforcement_data(book, second)
    book.step(client, on_policy, "importance_sampling", optim=LEARNING)
    book.step(client, off_policy, "ppo", CLIP, optim=LEARNING)
    book.step(client, off_policy, "cispo", CLIP, optim=LEARNING)
    custom = client.forward_backward_custom(data, custom_loss)
    client.optim_step(types.AdamParams(**LEARNING)).result()
    book.steps.append(
        {
            "loss_fn": "custom",
            "config": None,
            "forward_only": False,
            "optim": LEARNING,
            "data": [plain_datum(datum) for datum in data],
            "metrics": custom.result().metrics,
            "logprobs": [list(each["logprobs"].data) for each in custom.result().loss_fn_outputs],
            "optim_metrics": None,
        }
    )
    book.step(client, data, "cross_entropy", forward_only=True)
    named = client.save_weights_for_sampler("named").result().path
    third = service.create_sampling_client(model_path=named).result()
    result["named"] = {"path": named, "scores": scores(third)}
    exported = client.save_weights_external("exported").result().path
    weights.download(tinker_path=exported, output_dir=str(folder / "downloaded"), base_url=job["baseUrl"])
    result["exported"] = exported
    result["after"] = {"scores": scores(first), "greedy": plain_sample(first.sample(prompt, 1, greedy).result())}

    resumed = service.create_training_client_from_state_with_optimizer(saved.path).result()
    bare = service.create_training_client_from_state(saved.path).result()
    legacy = service.create_lora_training_client(book.model, rank=8).result()
    legacy.load_state_with_optimizer(saved.path).result()
    continued = {}
    for name, other in (("resumed", resumed), ("bare", bare), ("legacy", legacy)):
        steps = [book.step(other, data, "cross_entropy", optim=LEARNING, note=False)]
        steps.append(book.step(other, data[:1], "cross_entropy", note=False))
        continued[name] = [each["logprobs"] for each in steps]
    result["continued"] = continued
    result["chunked"] = chunked(book, client)
    result["errors"] = errors(book, service, client, second)
    result["errors"]["key"] = key_failure(job)
    result["rest"] = rest(service, client)
    result["errors"]["deleted"] = result["rest"].pop("deleted")
    result["steps"] = book.steps
    (folder / "result.json").write_text(json.dumps(result))
    service.close("success").result()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
