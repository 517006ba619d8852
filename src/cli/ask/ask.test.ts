// `pyvision ask` as a user meets it: real files, real Python, a real terminal; the model is a script behind HTTP, or the
// carried checkpoint.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { decode, encode } from "fast-png";
import { stubServer, type StubAnswer, type StubServer } from "../../engines/openai/stubServer.ts";
import { openTrajectoryStore } from "../../runs/trajectoryStore.ts";
import { ask, askInTerminal, reply } from "./askHarness.ts";
import type { AskReport } from "./reports.ts";

const root = mkdtempSync(join(tmpdir(), "ask-"));
after(() => rmSync(root, { recursive: true, force: true }));
const PIXELS = Uint8Array.from({ length: 56 * 56 * 3 }, (_, i) => (i * 7) & 255);
writeFileSync(join(root, "a.png"), encode({ width: 56, height: 56, channels: 3, data: PIXELS }));

// 20 frames at 5 per second: 4 s.
const MAKE_CLIP = `
import av, numpy as np
with av.open("clip.mp4", "w") as out:
    stream = out.add_stream("mpeg4", rate=5)
    stream.width, stream.height, stream.pix_fmt = 112, 84, "yuv420p"
    for n in range(20):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((84, 112, 3), 12 * n, np.uint8), format="rgb24")))
    out.mux(stream.encode(None))
`;
const PYTHON = fileURLToPath(new URL("../../../.venv/bin/python", import.meta.url));

const CODE =
  "Look.\n<code>\n```python\nx = image_clue_0.size\nprint('size', x)\nimage_clue_0.show()\n```\n</code>";
const ANSWER = "Seen.\n<answer>\\boxed{56}</answer>";
const AGAIN = "<code>\nprint('still', x)\n</code>";

async function served(
  script: readonly StubAnswer[],
  use: (server: StubServer, flags: readonly string[]) => Promise<void>,
): Promise<void> {
  const server = await stubServer(...script);
  try {
    await use(server, ["--image", "a.png", "--base-url", server.baseUrl, "--model", "m"]);
  } finally {
    await server.close();
  }
}

/** What the messages of a request say, pictures as #. */
function said(server: StubServer, request: number): string[] {
  type Content = string | readonly { readonly type: string; readonly text?: string }[];
  const { messages } = server.requests[request]?.body as {
    messages: readonly { readonly role: string; readonly content: Content }[];
  };
  return messages.map(({ role, content }) => {
    const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
    return `${role}: ${parts.map(({ type, text }) => (type === "text" ? text : "#")).join("")}`;
  });
}

const withoutTimes = (text: string): string => text.replace(/\d+\.\d+ s\b/g, "T s");

describe("pyvision ask", { concurrency: 2 }, () => {
  test("in a pipe: turns in plain text, figures as files, a further question in the same session", () =>
    served([reply(CODE), reply(ANSWER), reply(AGAIN), reply(ANSWER)], async (server, flags) => {
      const { code, stdout, stderr } = await ask(root, ...flags, "--save", "kept", "How wide?", "--follow-up", "And high?"); // prettier-ignore
      assert.equal(code, 0, stderr);
      assert.equal(
        withoutTimes(stdout),
        `a.png, 56 x 56 px
m at ${server.baseUrl}
How wide?

turn 1
  Look.
  | x = image_clue_0.size
  | print('size', x)
  | image_clue_0.show()
  (10 tokens sampled, 100 in the context, 4 visual, T s)
  => ok, T s, 1 figure
  > size (56, 56)
  image_clue_1: 56 x 56 px, 4 visual tokens, kept/figures/turn1-figure1.png

turn 2
  Seen.
  (10 tokens sampled, 100 in the context, 8 visual, T s)

answer: 56
2 turns, 1 tool call, 20 tokens sampled, 110 in the context, 8 visual, T s

And high?

turn 3
  | print('still', x)
  (10 tokens sampled, 100 in the context, 8 visual, T s)
  => ok, T s
  > still (56, 56)

turn 4
  Seen.
  (10 tokens sampled, 100 in the context, 8 visual, T s)

answer: 56
2 turns, 1 tool call, 20 tokens sampled, 110 in the context, 8 visual, T s
`,
      );
      const messages = said(server, 3);
      assert.deepEqual(messages.slice(-4, -1), [
        `assistant: ${ANSWER}`,
        "user: And high?",
        `assistant: ${AGAIN}`,
      ]);
      assert.match(messages[1] ?? "", /^user: image_clue_0: #\n[^]*\nHow wide\?$/);
      assert.match(messages.at(-1) ?? "", /^user: <tool_response>\nstill \(56, 56\)\n<\/tool_response>$/);

      const kept = readFileSync(join(root, "kept/conversation.jsonl"), "utf8").trimEnd().split("\n");
      const types = kept.map((line) => (JSON.parse(line) as AskReport).type);
      assert.deepEqual(types.join(" "), "question turn tool turn end question turn tool turn end");
      const [trajectory] = openTrajectoryStore(join(root, "kept/trajectories")).load("conversation");
      assert.deepEqual(
        [trajectory?.question, trajectory?.answer, trajectory?.turns.length, "reward" in (trajectory ?? {})],
        ["How wide?\n\nAnd high?", "56", 4, false],
      );
      assert.deepEqual(decode(readFileSync(join(root, "kept/figures/turn1-figure1.png"))).data, PIXELS);

      const again = await ask(root, ...flags, "--save", "kept", "How wide?");
      assert.deepEqual([again.code, again.stdout], [2, ""]);
      assert.match(again.stderr, /^error: --save kept: holds a conversation already; name another folder/);
    }));

  test("--json: one object a line, and exit code 1 for a question without an answer", () =>
    served([reply(CODE), reply("I do not know.")], async (_, flags) => {
      const { code, stdout, stderr } = await ask(root, ...flags, "--json", "--", "How wide?");
      assert.equal(code, 1, stderr);
      const reports = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as AskReport); // prettier-ignore
      assert.deepEqual(reports.map(({ type }) => type).join(" "), "question turn tool turn end");
      const [, turn, tool, , end] = reports;
      assert.ok(turn?.type === "turn" && tool?.type === "tool" && end?.type === "end");
      assert.equal(turn.text, CODE);
      assert.deepEqual(turn.tokens, { sampled: 10, context: 100, visual: 4 });
      assert.deepEqual([tool.stdout, tool.figures[0]?.label], ["size (56, 56)\n", "image_clue_1"]);
      assert.ok(existsSync(tool.figures[0]?.path ?? ""), "without --save a figure is in a temporary folder");
      rmSync(join(tool.figures[0]?.path ?? "none", ".."), { recursive: true });
      assert.deepEqual([end.end, end.answer, end.turns], [{ type: "noAction" }, undefined, 2]);
    }));

  test("--video: the model reads what the file is like, and sees the frames that its code shows", async () => {
    assert.equal(spawnSync(PYTHON, ["-c", MAKE_CLIP], { cwd: root }).status, 0);
    const look = "<code>\nImage.fromarray(video_clue_0[-1].asnumpy()).show()\n</code>";
    await served([reply(look), reply(ANSWER)], async (server, [, , ...flags]) => {
      const asked = ["--video", "clip.mp4", "How does it end?", ...flags, "--json", "--save", "film"];
      const { code, stdout, stderr } = await ask(root, ...asked);
      assert.equal(code, 0, stderr);
      assert.match(
        said(server, 0)[1] ?? "",
        /^user: video_clue_0: 4 s, 20 frames of 112 x 84 pixels at 5 per/,
      );
      assert.match(said(server, 1).at(-1) ?? "", /<image_clue_0>: #\n/);
      const reports = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as AskReport); // prettier-ignore
      assert.deepEqual(
        reports.flatMap((report) => (report.type === "turn" ? [report.tokens.visual] : [])),
        [0, 12],
      );
      const tool = reports[2];
      const path = "film/figures/turn1-figure1.png";
      const figure = { path, width: 112, height: 84, label: "image_clue_0", tokens: 12 };
      assert.deepEqual(tool?.type === "tool" && tool.figures, [figure]);
    });
  });

  test("in a terminal: pictures by the protocol it says it has, and a prompt for more that Ctrl-D ends", () =>
    served([reply(CODE), reply(ANSWER), reply(AGAIN), reply(ANSWER)], async (server, flags) => {
      const { code, output, left } = await askInTerminal(
        root,
        [
          ["\x1b[c", "\x1b_Gi=31;OK\x1b\\\x1b[6;20;10t\x1b[?62;c"],
          ["ask on (an empty line ends) > ", "And high?\r"],
          ["ask on (an empty line ends) > ", "\x04"],
        ],
        ...flags,
        "How wide?",
      );
      assert.deepEqual([code, left], [0, []], output);
      const commands = [...output.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
      assert.match(commands[1]?.[1] ?? "", /^a=T,f=100,q=2,m=[01]$/);
      const png = commands.slice(1).map(([, , data]) => data).join(""); // prettier-ignore
      assert.deepEqual(decode(Buffer.from(png, "base64")).data, PIXELS);
      assert.match(output, /\x1b\[36m {2}image_clue_1: 56 x 56 px, 4 visual tokens\x1b\[0m\r\n/);
      assert.match(output, /\x1b\[36mprint\x1b\[0m\(\x1b\[32m'still'\x1b\[0m, x\)\r\n/);
      assert.match(output, /\r\n {2}> still \(56, 56\)\r\n/);
      assert.equal(output.split("\x1b[32manswer: 56\x1b[0m").length, 3, "answered twice");
      assert.equal(said(server, 3).at(-3), "user: And high?");
    }));

  test("in a terminal: a server that failed for good may be asked once more", () =>
    served([(response) => void response.writeHead(401).end("{}"), reply(ANSWER)], async (_, flags) => {
      const { code, output, left } = await askInTerminal(
        root,
        [
          ["Enter asks again, Ctrl-D ends: ", "\r"],
          ["ask on (an empty line ends) > ", "\r"],
        ],
        ...flags,
        "--graphics",
        "none",
        "How wide?",
      );
      assert.deepEqual([code, left], [0, []], output);
      assert.match(output, /error: model "m" at [^]*401[^]*Enter asks again[^]*answer: 56/);
      assert.doesNotMatch(output, /\x1b_G|\x1b\[c/, "the terminal is not asked for what is not wanted");
    }));

  test("in a terminal: Ctrl-C in the middle of a turn ends it", () =>
    served([() => undefined], async (_, flags) => {
      const steps = [["turn 1", "\x03"]] as const;
      const { code, output } = await askInTerminal(root, steps, ...flags, "--graphics", "none", "How wide?");
      assert.deepEqual([code, output.includes("answer")], [-2, false]);
    }));

  test("the carried checkpoint, without a server", async () => {
    const { code, stdout, stderr } = await ask(root, "What colour is it?", "--image", "a.png", "--json");
    assert.ok(code === 0 || code === 1, stderr);
    const reports = stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as AskReport); // prettier-ignore
    const [question, turn] = reports;
    assert.ok(question?.type === "question" && turn?.type === "turn");
    assert.equal(question.model, "checkpoints/image-mini/sft");
    assert.equal(turn.tokens.visual, 4);
    assert.ok((turn.tokens.sampled ?? 0) > 0 && (turn.tokens.context ?? 0) > 10);
    assert.equal(reports.at(-1)?.type, "end");
  });

  for (const [args, status, message] of [
    [["What?", "--image", "a.png", "--video", "b.mp4"], 2, /'--image <file\.\.\.>' cannot be used with option '--video/], // prettier-ignore
    [["What?", "--image", "none.png"], 1, /^error: image none\.png: cannot be read \(there is no such file\)/], // prettier-ignore
    [["What?", "--video", "none.mp4"], 1, /^error: video none\.mp4: cannot be read \(there is no such file\)/], // prettier-ignore
    [["What?", "--image", "a.png", "--terminal-wait", "0"], 2, /'0' is invalid\. Must be at least 1; --graphics none does not ask/], // prettier-ignore
    [["What?", "--image", "a.png", "--checkpoint", "none"], 2, /^error: model\.init: "none" does not exist/],
  ] as const)
    test(`refused at once: ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await ask(root, ...args);
      assert.deepEqual([code, stdout], [status, ""]);
      assert.match(stderr, message);
    });
});
