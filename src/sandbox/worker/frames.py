"""Frames on the session's socket: u32 header length, u32 payload length (little endian), JSON header, raw bytes."""

import json
import struct

LENGTHS = struct.Struct("<II")


def send(sock, header, parts=()):
    """Writes one frame; `parts` are bytes-like and are sent without being joined when they are large."""
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    size = sum(len(part) for part in parts)
    head = LENGTHS.pack(len(text), size) + text
    if size <= 1 << 16:
        sock.sendall(b"".join((head, *parts)))
        return
    sock.sendall(head)
    for part in parts:
        sock.sendall(part)


def receive(sock):
    """Reads one frame and returns its header (the host never sends a payload), or None at the end of the stream."""
    lengths = _exactly(sock, LENGTHS.size)
    if lengths is None:
        return None
    header_size, payload_size = LENGTHS.unpack(lengths)
    body = _exactly(sock, header_size + payload_size)
    return None if body is None else json.loads(body[:header_size])


def _exactly(sock, size):
    chunks = bytearray()
    while len(chunks) < size:
        chunk = sock.recv(min(size - len(chunks), 1 << 20))
        if not chunk:
            return None
        chunks += chunk
    return bytes(chunks)
