"""A chat server that answers after a set time, in server-sent events: what a harness costs beside it.

Run as a program: SECONDS. It says its port on the first line of stdout and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import sys


def event(value: dict[str, object]) -> bytes:
    """One event, as a chunk of HTTP/1.1."""
    data = b"data: " + json.dumps(value).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


def delta(text: str, reason: str | None = None) -> bytes:
    """A piece of the answer."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]})


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
USAGE = event({"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 3}})
DONE = b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"
REPLY = HEAD + delta("oak") + delta(": sorry") + delta(" about it", "stop") + USAGE + DONE


async def serve(seconds: float) -> None:
    """Until the process is ended."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [
                    line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
                ]
                await reader.readexactly(int(lengths[0].partition(b":")[2]))
                await asyncio.sleep(seconds)
                writer.write(REPLY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
