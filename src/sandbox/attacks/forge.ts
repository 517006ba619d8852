// Replies that the program writes itself: it finds the request's nonce on the stack and the connection among the
// descriptors, which nothing in one process can prevent. The host has to read such bytes as hostile.
import { type Attack, ALIVE, ANY, type OutcomeType, py, type Turn } from "./attack.ts";

/** Defines `forge(header, payload)`, `send(bytes)` and `reply`, a header that answers the running request. */
const FORGE = py`
  import json, os, stat, struct, sys
  FD = next(fd for fd in range(3, 128) if stat.S_ISSOCK(os.fstat(fd).st_mode))
  def request():
      frame = sys._getframe()
      while frame:
          for value in list(frame.f_locals.values()):
              if isinstance(value, dict) and 'nonce' in value and 'id' in value: return value
          frame = frame.f_back
      return {'id': 0, 'nonce': ''}
  def send(data):
      while data: data = data[os.write(FD, data):]
  def forge(header, payload=b''):
      text = header if isinstance(header, bytes) else json.dumps(header).encode()
      send(struct.pack('<II', len(text), len(payload)) + text + payload)
  asked = request()
  reply = {'id': asked['id'], 'nonce': asked['nonce'], 'outcome': {'type': 'ok'}, 'stdout': 'FORGED', 'figures': [], 'last': False}
`;

/**
 * Defines `late(action)`: does it when the call is over and the session waits for the next, or at the latest while that,
 * which is LATE, runs and waits for it.
 */
const LATELY = py`
  import threading, time
  now = threading.Event()
  def waits():
      frame = sys._current_frames()[threading.main_thread().ident]
      while frame and frame.f_code.co_name != 'receive': frame = frame.f_back
      return frame is not None
  def late(action):
      def later():
          while not waits() and not now.wait(0.005): pass
          time.sleep(0.05)  # the host takes its time to read, too
          action()
      global sender
      sender = threading.Thread(target=later)
      sender.start()
`;
/** The bytes may have come with the reply, by a host that reads late: then this runs in a fresh session. */
const LATE: Turn = {
  run: "if 'now' in globals():\n    now.set(); sender.join(); time.sleep(0.1); print('unharmed')",
  ends: ["ok", "killed"],
  never: /unharmed/,
};

/** After a forged reply the true one comes too much: the session ends then, or at the next call, which is told so. */
const TOLD: Turn = { ...ALIVE, ends: ["ok", "killed"], prints: /^(x?\n?alive 42\n)?$/ };

const forged = (
  name: string,
  program: string,
  ends: readonly OutcomeType[],
  more: Partial<Turn> = {},
): Attack => ({
  name,
  category: "tamper",
  turns: [{ run: `${FORGE}\n${program}`, ends, figures: "", ...more }, TOLD, ALIVE],
});

/** A reply that the host takes for the true one, which then comes too much: one of the two calls is told so. */
const taken = (name: string, program: string): Attack => ({
  ...forged(name, program, ["ok", "killed"]),
  kills: 1,
});

/** A reply that the host must refuse, whatever else is right about it. */
const refused = (name: string, program: string): Attack =>
  forged(name, program, ["killed"], { says: /reply protocol|exited|closed/, never: /FORGED/, alive: false });

const withFigures = (name: string, figures: string, payload: string): Attack =>
  refused(`forged_figure_${name}`, `forge({**reply, 'figures': ${figures}}, ${payload})`);

export const FORGED: readonly Attack[] = [
  {
    name: "forge_own_reply",
    category: "tamper",
    turns: [
      {
        run: py`
          import sys,os,struct,json
          f=sys._getframe(); n=None
          while f:
              for h in list(f.f_locals.values()):
                  if isinstance(h,dict) and 'nonce' in h: n=h
              f=f.f_back
          if n:
              b=json.dumps({'id':n['id'],'nonce':n['nonce'],'outcome':{'type':'ok'},'stdout':'FORGED','figures':[],'elapsedMs':0,'alive':True}).encode()
              for fd in range(3,64):
                  try: os.write(fd,struct.pack('<II',len(b),0)+b)
                  except OSError: pass
          print('real')
        `,
        ends: ["ok", "killed"],
        prints: /^(FORGED|real\n)?$/,
      },
      TOLD,
      ALIVE,
    ],
    kills: 1,
  },
  taken("forged_twice", "forge(reply); forge(reply)"),
  taken("forged_elapsed_time", "import time; time.sleep(0.5); forge({**reply, 'elapsedMs': -1, 'ms': -1e9})"),
  refused("forged_reply_to_another_request", "forge({**reply, 'nonce': '0' * 16})"),
  refused(
    "forged_prototype",
    'forge(json.dumps(reply).replace(\'"outcome": {\', \'"outcome": {"__proto__": {"type": "ok"}, "x": {\').replace(\'"ok"}\', \'"ok"}}\', 1).encode())',
  ),
  refused("forged_outcome", "forge({**reply, 'outcome': {'type': 'constructor'}})"),
  refused("forged_text_that_is_none", "forge({**reply, 'stdout': {'length': 5}})"),
  refused(
    "forged_error_of_a_megabyte",
    "forge({**reply, 'outcome': {'type': 'pythonError', 'errorType': 'E' * 100_000, 'message': '', 'traceback': ''}})",
  ),
  refused("forged_json_that_nests", "forge(b'{\"a\":' + b'[' * 300_000 + b']' * 300_000 + b'}')"),
  refused("forged_json_that_is_none", "forge(b'{\"id\": NaN')"),
  refused("forged_header_too_long", "send(struct.pack('<II', 1 << 30, 0) + b'x' * 100)"),
  refused("forged_payload_too_long", "send(struct.pack('<II', 2, 1 << 31) + b'{}')"),
  taken("forged_surrogates", "forge({**reply, 'stdout': 'a\\ud800b\\0c'})"),
  taken(
    "forged_repeated_keys",
    'forge(json.dumps(reply).replace(\'{"id"\', \'{"stdout": [], "id": -1, "id"\', 1).encode())',
  ),
  withFigures("negative", "[[-1, -4]]", "b'x' * 12"),
  withFigures("zero", "[[0, 5]]", "b''"),
  withFigures("fractional", "[[1.5, 2]]", "b'x' * 9"),
  withFigures("textual", "[['1', '1']]", "b'xxx'"),
  withFigures("boolean", "[[True, True]]", "b'xxx'"),
  withFigures("nan", "[[float('nan'), 1]]", "b''"),
  withFigures("enormous", "[[1 << 24, 1 << 24]]", "b'xxx'"),
  withFigures("infinite", "[[1e308, 1e308]]", "b'xxx'"),
  withFigures("without_pixels", "[[100, 100]]", "b'xxx'"),
  withFigures("with_pixels_too_many", "[[1, 1]]", "b'x' * 4"),
  withFigures("three_sided", "[[1, 1, 1]]", "b'xxx'"),
  withFigures("list_too_long", "[[1, 1]] * 33", "b'xxx' * 33"),
  withFigures("object", "{'length': 1, '0': [1, 1]}", "b'xxx'"),
  {
    name: "huge_frame_length",
    category: "tamper",
    turns: [
      {
        run: py`
          import os,struct
          for fd in range(3,64):
              try: os.write(fd,struct.pack('<II',0x7fffffff,0x7fffffff)+b'x'*100); os.write(fd,struct.pack('!i',0x7ffffff0))
              except OSError: pass
          print('wrote')
        `,
        ends: ["killed"],
        alive: false,
      },
      ALIVE,
    ],
  },
  {
    name: "write_protocol_fds",
    category: "tamper",
    turns: [
      {
        run: py`
          import os
          for fd in range(3,64):
              try: os.write(fd,b'\xff'*64)
              except OSError: pass
          print('wrote')
        `,
        ends: ["killed"],
        alive: false,
      },
      ALIVE,
    ],
  },
  forged(
    "reply_byte_by_byte",
    "import time\nfor byte in struct.pack('<II', 200, 0) + b' ' * 200: send(bytes([byte])); time.sleep(0.1)",
    ["timeout", "killed"],
  ),
  {
    name: "bytes_while_idle",
    category: "tamper",
    kills: 1, // the call with whose reply the host reads the bytes, or else the next
    turns: [
      {
        run: `${FORGE}\n${LATELY}\nlate(lambda: send(b'hello' * 10))`,
        ends: ["ok", "killed"],
      },
      LATE,
      ALIVE,
    ],
  },
  {
    name: "thread_that_writes_after_the_reply",
    category: "tamper",
    kills: 1, // the call with whose reply the host reads the bytes, or else the next
    turns: [
      {
        run: `${FORGE}\n${LATELY}\ncopy = os.dup(FD)\nlate(lambda: os.write(copy, struct.pack('<II', 2, 0) + b'{}'))`,
        ends: ["ok", "killed"],
      },
      LATE,
      ALIVE,
    ],
  },
  ...(["SHUT_RD", "SHUT_WR", "SHUT_RDWR"] as const).map((how) =>
    forged(
      `connection_${how.toLowerCase()}`,
      `import socket\nsocket.socket(fileno=os.dup(FD)).shutdown(socket.${how})`,
      ANY,
    ),
  ),
  forged("connection_replaced_by_a_file", "os.dup2(os.open('/dev/null', os.O_RDWR), FD)", [
    "killed",
    "timeout",
  ]),
  forged("every_descriptor_closed", "os.closerange(0, 65536)", ["killed"]),
  forged(
    "first_descriptors_closed",
    "for fd in (0, 1, 2): os.close(fd)\nopen('/dev/null'); open('/dev/null'); print('x')",
    ANY,
  ),
  {
    name: "connection_that_does_not_wait",
    category: "tamper",
    turns: [
      { run: `${FORGE}\nimport fcntl\nfcntl.fcntl(FD, fcntl.F_SETFL, os.O_NONBLOCK)`, ends: ANY },
      TOLD,
      TOLD, // it ends when it finds no request waiting, which may be after any call
      TOLD,
    ],
  },
];
