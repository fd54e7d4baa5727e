"""A real JupyterLab of its own, on this machine only, driven through its application object."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from browser import PATIENCE, hand_rests
from playwright.sync_api import Page, WebSocket

# Resolves to whether the notebook is the current one and its kernel waits for work. Asking the page whether it looks
# ready is not enough: run at that moment, the cells are lost now and then.
READY = """async name => {
  const lab = window.jupyterapp;
  if (!lab) return false;
  await lab.restored;
  const panel = lab.shell.currentWidget;
  if (!panel?.context || panel.context.path !== name) return false;
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = panel.sessionContext.session?.kernel;
  if (!kernel) return false;
  await kernel.info;
  return kernel.status === "idle";
}"""
# Resolves when the kernel has answered all that it was sent, of which JupyterLab keeps futures, and nothing was sent
# meanwhile: a widget holds back what it has to tell until its last message is answered.
ANSWERED = """async () => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  for (let known = null; known !== [...kernel._futures.keys()].join(); ) {
    known = [...kernel._futures.keys()].join();
    await Promise.allSettled([...kernel._futures.values()].map((each) => each.done));
  }
}"""
RUN_ALL = "() => window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => true)"
RUN_ONE = """async id => {
  const { content } = window.jupyterapp.shell.currentWidget;
  content.activeCellIndex = content.widgets.findIndex(cell => cell.model.id === id);
  await window.jupyterapp.commands.execute("notebook:run-cell");
}"""
START_ONE = RUN_ONE.replace("await window.jupyterapp.commands.execute", "void window.jupyterapp.commands.execute")
INTERRUPT = "() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')"
FIND = "const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);"
WRITE = f"([id, code]) => {{ {FIND} cell.model.sharedModel.setSource(code); }}"
# Of an error its traceback, as it is read there: without the codes of its colours.
SAID = f"""id => {{ {FIND}
  const plain = lines => lines?.join("\\n").replace(/\\x1b\\[[0-9;]*m/g, "");
  const text = each => each.text ?? each.data?.["text/plain"] ?? plain(each.traceback) ?? "";
  return cell.model.outputs.toJSON().map(each => [text(each)].flat().join("")).join("\\n");
}}"""


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    address: str
    token: str

    def open(self, page: Page, name: str, *, seconds: float = 2 * PATIENCE) -> None:
        """Opens a notebook and waits for its kernel."""
        page.goto(f"{self.address}/lab/tree/{name}?token={self.token}&reset")
        end = time.monotonic() + seconds
        while not page.evaluate(READY, name):
            if time.monotonic() > end:
                raise TimeoutError(f"{name}: no kernel after {seconds} s")
            time.sleep(0.2)

    def run_all(self, page: Page) -> None:
        """Runs all cells to their end."""
        page.evaluate(RUN_ALL)

    def run_cell(self, page: Page, cell: str) -> None:
        """Runs the cell of this id to its end."""
        page.evaluate(RUN_ONE, cell)

    def start_cell(self, page: Page, cell: str) -> None:
        """Runs the cell of this id and does not wait for its end."""
        page.evaluate(START_ONE, cell)

    def heard(self, page: Page) -> None:
        """Until the kernel knows what was done in the page, and has done what it was asked for."""
        hand_rests(page)
        page.evaluate(ANSWERED)

    def interrupt(self, page: Page) -> None:
        """What the kernel does is interrupted, as by the button with the square."""
        page.evaluate(INTERRUPT)

    def write_cell(self, page: Page, cell: str, code: str) -> None:
        """Puts other code into the cell of this id."""
        page.evaluate(WRITE, [cell, code])

    def said(self, page: Page, cell: str) -> str:
        """All text that the cell of this id put out."""
        text: str = page.evaluate(SAID, cell)
        return text


@dataclass
class Traffic:
    """Bytes of each message between a page and its kernel."""

    sent: list[int] = field(default_factory=list)
    received: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, page: Page) -> "Traffic":
        """What a page, which has not asked for anything yet, will send and receive."""
        found = cls()

        def opened(socket: WebSocket) -> None:
            socket.on("framesent", lambda message: found.sent.append(len(message)))
            socket.on("framereceived", lambda message: found.received.append(len(message)))

        page.on("websocket", opened)
        return found

    def clear(self) -> None:
        """Forgets what was counted."""
        self.sent.clear()
        self.received.clear()


def lefts_of_numbers(page: Page) -> tuple[list[float], list[float]]:
    """Where names and values of a view's numbers begin; equal if each stands under its name, in spite of JupyterLab."""
    lefts = "all => all.map(one => one.getBoundingClientRect().left)"
    names, values = (page.locator(f".wdd-numbers {tag}:visible").evaluate_all(lefts) for tag in ("dt", "dd"))
    return names, values


def write_notebook(path: Path, cells: Mapping[str, str]) -> None:
    """A notebook of these cells: id -> code."""
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code, id=name) for name, code in cells.items()],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(book, path)


@contextlib.contextmanager
def lab(root: Path, scratch: Path) -> Iterator[Lab]:
    """JupyterLab over the files in `root`, its settings in `scratch` instead of the home folder."""
    settings = scratch / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # Else a question about news covers a corner, and is about the network.
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    folders = {"CONFIG": "JUPYTER_CONFIG_DIR", "DATA": "JUPYTER_DATA_DIR", "RUNTIME": "JUPYTER_RUNTIME_DIR"}
    environment = {
        **os.environ,
        **{variable: str(scratch / name.lower()) for name, variable in folders.items()},
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = Lab(f"http://127.0.0.1:{port}", "test")
    options = [
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--allow-root",
        f"--IdentityProvider.token={running.token}",
        f"--ServerApp.root_dir={root}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (scratch / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its kernels can be ended with it
        )
        try:
            _wait(running, server, scratch / "lab.log")
            yield running
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait(running: Lab, server: "subprocess.Popen[bytes]", log: Path, seconds: float = 2 * PATIENCE) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{running.address}/api/status?token={running.token}", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
