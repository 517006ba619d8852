"""The official Python client against `pyvision serve`, and Transformers on the same messages.

Reads job.json in the folder it is given (baseUrl, model, checkpoint: the exported folder, picture: a PNG file), writes
result.json there. The key comes from OPENAI_API_KEY. officialClient.parity.ts says what it must hold.
"""

import asyncio
import base64
import json
import sys
from pathlib import Path

import openai
from PIL import Image
from transformers import AutoProcessor

STOP = ["</code>", "</answer>"]
REPLY = "Look top left.<code>\n```python\nplt.show()\n```\n</code>"


def conversation(question, image):
    """Two turns with a picture in each message of the user; `image` is the part that shows it."""
    return [
        {"role": "system", "content": "Look with Python."},
        {"role": "user", "content": [image, {"type": "text", "text": question}]},
        {"role": "assistant", "content": REPLY},
        {
            "role": "user",
            "content": [{"type": "text", "text": "<tool_response>"}, image, {"type": "text", "text": "</tool_response>"}],
        },
    ]


def failure(call):
    try:
        call()
    except openai.APIStatusError as error:
        return {"type": type(error).__name__, "status": error.status_code, "code": error.code, "param": error.param}
    return None


def main(folder):
    job = json.loads((folder / "job.json").read_text())
    client = openai.OpenAI(base_url=job["baseUrl"], max_retries=0)
    model = job["model"]
    uri = "data:image/png;base64," + base64.b64encode((folder / job["picture"]).read_bytes()).decode()
    messages = conversation(job["question"], {"type": "image_url", "image_url": {"url": uri}})

    def create(**options):
        given = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 48, "stop": STOP, **options}
        return client.chat.completions.create(**given)

    whole = create(logprobs=True, extra_body={"return_token_ids": True, "include_stop_str_in_output": True, "top_k": 0})
    choice = whole.choices[0]
    result = {
        "models": [entry.id for entry in client.models.list()],
        "retrieved": client.models.retrieve(model).id,
        "text": choice.message.content,
        "finish": choice.finish_reason,
        "prompt": whole.prompt_token_ids,
        "tokens": choice.token_ids,
        "logprobs": [entry.logprob for entry in choice.logprobs.content],
        "joined": b"".join(bytes(entry.bytes) for entry in choice.logprobs.content).decode(),
        "usage": whole.usage.model_dump(),
        "object": whole.object,
    }

    pieces = list(create(stream=True, stream_options={"include_usage": True}))
    result["streamed"] = "".join(c.delta.content or "" for piece in pieces for c in piece.choices)
    result["streamedFinish"] = [c.finish_reason for piece in pieces for c in piece.choices if c.finish_reason]
    result["streamedUsage"] = pieces[-1].usage.completion_tokens
    # The client's own bookkeeping over the events of a stream.
    with client.chat.completions.stream(model=model, messages=messages, temperature=0, max_tokens=48, stop=STOP) as stream:
        for _ in stream:
            pass
        result["accumulated"] = stream.get_final_completion().choices[0].message.content

    async def many():
        async with openai.AsyncOpenAI(base_url=job["baseUrl"], max_retries=0) as several:
            asked = [
                several.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=48, stop=STOP)
                for _ in range(8)
            ]
            return [reply.choices[0].message.content for reply in await asyncio.gather(*asked)]

    result["atOnce"] = asyncio.run(many())

    def wrong_key():
        openai.OpenAI(base_url=job["baseUrl"], api_key="wrong", max_retries=0).models.list()

    result["failures"] = [
        failure(lambda: create(model="other")),
        failure(lambda: create(max_tokens=10**6)),
        failure(lambda: create(n=2)),
        failure(wrong_key),
    ]

    processor = AutoProcessor.from_pretrained(job["checkpoint"])
    shown = [
        {**m, "content": m["content"] if isinstance(m["content"], list) else [{"type": "text", "text": m["content"]}]}
        for m in conversation(job["question"], {"type": "image"})
    ]
    text = processor.apply_chat_template(shown, add_generation_prompt=True, tokenize=False)
    picture = Image.open(folder / job["picture"]).convert("RGB")
    result["theirPrompt"] = processor(text=[text], images=[picture, picture])["input_ids"][0]
    if not isinstance(result["theirPrompt"], list):
        result["theirPrompt"] = result["theirPrompt"].tolist()
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
