// Messages to anybody but the host, over anything but the session's one connection.
import { type Attack, ALIVE, ANY, OK_OR_REFUSED, oneTurn, py, REFUSED } from "./attack.ts";

const connectTo = (program: string): Attack["turns"] => [
  { run: program, ends: REFUSED, never: /CONNECTED/ },
  ALIVE,
];

export const NET: readonly Attack[] = [
  {
    name: "dns_getaddrinfo",
    category: "net",
    turns: [
      { run: "import socket\nprint(socket.getaddrinfo('localhost',80)[:1])", ends: REFUSED },
      {
        run: "import os, socket\nprint('@hostname@' in (socket.gethostname(), os.uname().nodename))",
        ends: ["ok"],
        prints: /^False\n$/,
      },
    ],
  },
  {
    name: "net_connect_loopback",
    category: "net",
    turns: connectTo(
      "import socket\ns=socket.create_connection(('127.0.0.1',@tcp@),2); s.sendall(b'EXFIL-TCP'); print('CONNECTED', s.recv(64))",
    ),
  },
  {
    name: "udp_datagram",
    category: "net",
    turns: connectTo(
      "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'EXFIL', ('127.0.0.1', @udp@)); print('CONNECTED')",
    ),
  },
  {
    name: "unix_socket_by_path",
    category: "net",
    turns: connectTo(
      "import socket\ns = socket.socket(socket.AF_UNIX); s.connect('@socket@'); print('CONNECTED', s.recv(9))",
    ),
  },
  {
    name: "unix_socket_by_abstract_name",
    category: "net",
    turns: connectTo(py`
      import socket
      name = b'\0@abstract@'
      for address in (name, name.ljust(108, b'\0')):
          s = socket.socket(socket.AF_UNIX)
          try: s.connect(address); print('CONNECTED', s.recv(9))
          except ConnectionRefusedError: pass
      raise RuntimeError('nobody there')
    `),
  },
  {
    name: "http_client",
    category: "net",
    turns: connectTo(
      "import urllib.request\nprint('CONNECTED', urllib.request.urlopen('http://127.0.0.1:@tcp@/', timeout=1))",
    ),
  },
  {
    name: "asyncio_connection",
    category: "net",
    turns: connectTo(
      "import asyncio\nprint('CONNECTED', asyncio.run(asyncio.open_connection('127.0.0.1', @tcp@)))",
    ),
  },
  {
    name: "sockets_of_every_family",
    category: "net",
    turns: oneTurn(
      py`
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        opened = [(family, kind) for family in range(1, 46) for kind in (1, 2, 3, 5) if libc.socket(family, kind, 0) >= 0]
        print('OPENED', opened)
      `,
      ["ok"],
      { prints: /^OPENED \[\]\n$/ },
    ),
  },
  {
    name: "own_connection_led_elsewhere",
    category: "net",
    turns: [
      {
        run: py`
          import ctypes, os, socket, stat, struct
          fd = next(fd for fd in range(3, 128) if stat.S_ISSOCK(os.fstat(fd).st_mode))
          libc = ctypes.CDLL(None, use_errno=True)
          address = struct.pack('H', socket.AF_UNIX) + b'@socket@\0'
          print('DISCONNECTED', libc.connect(fd, struct.pack('H', 0) + b'\0' * 14, 16))
          print('CONNECT', libc.connect(fd, address, len(address)))
          print('SENDTO', libc.sendto(fd, b'', 0, 0, address, len(address)))
        `,
        ends: ANY,
        never: /CONNECT 0/,
      },
      { ...ALIVE, ends: ["ok", "killed"], prints: /^(alive 42\n)?$/ },
    ],
  },
  {
    name: "server_for_siblings",
    category: "net",
    turns: oneTurn(
      py`
        import socket
        made = []
        for family, address in ((socket.AF_UNIX, '\0' + 'a@tag@'), (socket.AF_UNIX, '/tmp/u@tag@'), (socket.AF_INET, ('127.0.0.1', 0))):
            try:
                s = socket.socket(family); s.bind(address); s.listen(); made.append(address)
            except OSError: pass
        print('LISTENS', made)
      `,
      ["ok"],
      { prints: /^LISTENS \[\]\n$/ },
    ),
    absent: ["/tmp/u@tag@"],
  },
  {
    name: "descriptors_sent_to_the_host",
    category: "net",
    turns: [
      {
        run: py`
          import os, socket, stat
          fd = next(fd for fd in range(3, 128) if stat.S_ISSOCK(os.fstat(fd).st_mode))
          s = socket.socket(fileno=os.dup(fd))
          for _ in range(20):
              socket.send_fds(s, [b'\0'], [os.open('/dev/null', os.O_RDONLY) for _ in range(3)])
        `,
        ends: [...REFUSED, "killed", "ok"],
      },
      { ...ALIVE, ends: ["ok", "killed"], prints: /^(alive 42\n)?$/ },
    ],
  },
  {
    name: "descriptors_over_a_socket_pair",
    category: "net",
    turns: oneTurn(
      py`
        import os, socket
        a, b = socket.socketpair()
        a.sendall(b'x'); print(b.recv(1))
        try: b.connect('@socket@'); print('CONNECTED')
        except OSError as e: print(type(e).__name__)
      `,
      OK_OR_REFUSED,
      { never: /CONNECTED/ },
    ),
  },
  {
    name: "descriptors_in_flight",
    category: "net",
    // The kernel counts descriptors in undelivered messages by user, for all sessions and the zygote together.
    turns: oneTurn(
      py`
        import socket
        pairs, sent = [], 0
        try:
            for _ in range(60):
                pairs.append(socket.socketpair())
                for _ in range(4): socket.send_fds(pairs[-1][0], [b'x'], [0] * 250); sent += 250
        except OSError as e: print(type(e).__name__)
        print('FEW' if sent < 2000 else sent)
      `,
      OK_OR_REFUSED,
      { prints: /^(\w+\nFEW\n)?$/ },
    ),
  },
  {
    name: "network_interfaces",
    category: "net",
    turns: oneTurn(
      "import socket\nprint('SEEN', [n for _, n in socket.if_nameindex() if n != 'lo'])",
      OK_OR_REFUSED,
      {
        never: /SEEN \['/,
      },
    ),
  },
];
