"""A TCP proxy in front of a server, which holds its answers back for a while."""

from __future__ import annotations

import asyncio
import threading


class SlowProxy:
    """Runs on a thread of its own until closed. `delay` is in seconds and may change at any time."""

    def __init__(self, port: int):
        self.upstream, self.delay, self.port = port, 0.0, 0
        self.loop = asyncio.new_event_loop()
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        assert self.ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        await asyncio.gather(self._pump(reader, up_writer, False), self._pump(up_reader, writer, True))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_slow: bool) -> None:
        try:
            while data := await reader.read(65_536):
                if is_slow and self.delay > 0:
                    # Later data wait for their own time, not for earlier data's.
                    self.loop.call_later(self.delay, writer.write, data)
                else:
                    writer.write(data)
        except OSError:
            pass
        finally:
            self.loop.call_later(self.delay, writer.close)

    async def _cancel(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._cancel(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
