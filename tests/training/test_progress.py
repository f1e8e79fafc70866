"""What a fit shows of itself: in files and workers, on terminals and in notebooks."""

import io
import multiprocessing
import os
import re
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from types import ModuleType, SimpleNamespace

import pytest
from rich.console import Console
from rich.file_proxy import FileProxy

from sklearn_mogpe.training import progress as progress_module
from sklearn_mogpe.training.progress import Progress

COLOURS = ["NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"]
DEVICE = "training on /GPU:0\n"
RUN = "natgrad 1            25/50  bound -1.5000 per row  0:00:00\n"
CODES, CLEAR, HIDE, SHOW = r"\x1b\[[?\d;]*\w", "\r\x1b[2K", "\x1b[?25l", "\x1b[?25h"


@pytest.fixture(autouse=True)
def no_colours_asked_for(monkeypatch):
    for name in COLOURS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that goes on only when it is told to, however busy the machine is."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(progress_module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@contextmanager
def terminal(monkeypatch, **environment):
    """A terminal as standard error; read what was written to it since the last time.

    No fixture, for pytest puts its own standard error in place between a fixture and the test.
    """
    reader, writer = os.openpty()
    os.set_blocking(reader, False)
    for name, value in ({"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"} | environment).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(progress_module, "LIVE_PAUSE", 0.01)

    def read():
        text = b""
        while True:
            try:
                text += os.read(reader, 4096)
            except BlockingIOError:
                return text.decode().replace("\r\n", "\n")

    with os.fdopen(writer, "w") as stream, redirect_stderr(stream):
        yield read
    os.close(reader)


@pytest.fixture
def notebook(monkeypatch):
    """The kernel of a notebook; a list of its outputs, each of them a list of its texts over time."""
    outputs = []

    def display(data, raw, display_id):
        assert raw
        assert display_id
        assert list(data) == ["text/plain"]
        texts = [data["text/plain"]]
        outputs.append(texts)
        return SimpleNamespace(update=lambda data, raw: texts.append(data["text/plain"]))

    ipython, display_module = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel="a kernel")
    display_module.display = display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display_module)
    return outputs


def show_a_run():
    with Progress(1, "/GPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)


def interrupt_a_run(*looks):
    with Progress(1, "/GPU:0") as progress:
        show = progress.start("natgrad 1", 50)
        for look in looks:
            show(*look)
        raise KeyboardInterrupt


def wait_for(read, what):
    """All that is read until something is."""
    text, end = "", time.monotonic() + 10.0
    while what not in text:
        assert time.monotonic() < end, text
        time.sleep(0.005)
        text += read()
    return text


# Files, pipes and workers


def test_the_device_comes_first_then_the_runs(capfd):
    show_a_run()
    assert capfd.readouterr() == ("", DEVICE + RUN)


@pytest.mark.parametrize("verbose", [0, -1])
def test_silence(capfd, notebook, verbose):
    with Progress(verbose, "/CPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)
        progress.tell_shares([1.0])
    assert capfd.readouterr() == ("", "")
    assert notebook == []


def test_experts_that_speak_nowhere_are_named(capfd):
    with Progress(1, "/GPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)
        progress.tell_shares([0.7495, 0.0005, 0.25])
    assert capfd.readouterr().err == (
        f"{DEVICE}{RUN}shares of the rows: 75.0%, 0.1%, 25.0%\n"
        "expert 2 speaks nowhere: fewer experts say the same\n"
    )


@pytest.mark.parametrize("name", COLOURS)
def test_no_codes_in_files_whatever_is_asked_for(capfd, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    show_a_run()
    assert capfd.readouterr().err == DEVICE + RUN


def test_a_long_run_has_a_line_every_ten_seconds(capfd, clock):
    with Progress(1, "/GPU:0") as progress:
        show = progress.start("natgrad 1", 100)
        for n_iter in range(1, 26):
            clock.now += 1.0 if n_iter > 1 else 5.0  # the first iteration includes tracing
            show(n_iter, 1.0 / n_iter)
    assert capfd.readouterr().err.splitlines()[1:] == [
        "natgrad 1            6/100  bound -0.1667 per row  0:00:10, 0:01:34 to go",
        "natgrad 1           16/100  bound -0.0625 per row  0:00:20, 0:01:24 to go",
        "natgrad 1           25/100  bound -0.0400 per row  0:00:29",
    ]


def test_a_line_comes_when_a_run_ends(capfd, clock):
    with Progress(1, "/GPU:0") as progress:
        progress.start("start noise", 25)(25, 1.0)
        clock.now += 3.0  # between two runs, and of none of them
        show = progress.start("natgrad 1", 50)
        clock.now += 3661.0
        show(25, 0.5)
    assert capfd.readouterr().err.splitlines()[1:] == [
        "start noise          25/25  bound -1.0000 per row  0:00:00",
        "natgrad 1            25/50  bound -0.5000 per row  1:01:01",
        "natgrad 1            25/50  bound -0.5000 per row  1:01:01",
    ]


def test_nothing_is_said_of_a_bound_before_the_first_look(capfd, clock):
    with Progress(1, "/GPU:0") as progress:
        progress.start("start noise", 25)
        clock.now += 10.0
        progress.start("natgrad 1", 50)
    assert capfd.readouterr().err == f"{DEVICE}natgrad 1             0/50  starting  0:00:00\n"


@pytest.mark.parametrize("error", [OSError("no space left on device"), ValueError("closed file")])
def test_no_fit_is_lost_for_want_of_a_file(monkeypatch, error):
    def write(text):
        raise error

    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=write))
    show_a_run()


def test_no_standard_error(monkeypatch):  # as of pythonw on Windows
    monkeypatch.setattr(sys, "stderr", None)
    show_a_run()


def test_worker_processes_write_lines(monkeypatch):
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: "the main process")
    with terminal(monkeypatch) as read:
        show_a_run()
        assert read() == DEVICE + RUN


def test_other_threads_write_lines(monkeypatch, notebook):
    with terminal(monkeypatch) as read:
        thread = threading.Thread(target=show_a_run)
        thread.start()
        thread.join()
        assert read() == DEVICE + RUN
    assert notebook == []


# Terminals


def test_a_live_line_on_a_terminal(monkeypatch):
    with terminal(monkeypatch) as read:
        with Progress(1, "/GPU:0") as progress:
            show = progress.start("natgrad 1", 50)
            text = wait_for(
                read, "natgrad 1             0/50  starting  0:00:00 \x1b["
            )  # and a bar in colours
            show(25, 1.5)
            text += wait_for(read, f"{RUN.strip()} \x1b[")
            progress.tell_shares([1.0])
        text += read()
    assert text.startswith(f"{HIDE}{DEVICE}")
    assert f"{CLEAR}{RUN}" in text  # the line that stays begins where the live one was
    assert "nan" not in text
    _, end = text.split("shares of the rows: 100.0%\n")
    assert SHOW in end
    assert HIDE not in end
    assert re.sub(CODES, "", end) == "\r\n\r"  # the live line leaves no empty one:
    assert end.endswith(f"\x1b[1A{CLEAR[1:]}")


def test_ctrl_c_leaves_the_terminal_as_it_was(monkeypatch):
    with terminal(monkeypatch) as read:
        streams = sys.stdout, sys.stderr
        with pytest.raises(KeyboardInterrupt):
            interrupt_a_run((25, 1.5))
        assert (sys.stdout, sys.stderr) == streams
        text = read()
    assert RUN in text
    assert text.rindex(SHOW) > text.rindex(HIDE)


def test_lines_fit_into_a_narrow_terminal(monkeypatch):
    with terminal(monkeypatch, COLUMNS="40") as read:
        with Progress(1, "/GPU:0") as progress:
            progress.start("start steep_ladder", 50)(25, 1.5)
            text = wait_for(read, "start steep_ladder 25/50 bound -1.5000 …")
        text += read()
    assert "start steep_ladder 25/50 bound -1.5000 \nper row 0:00:00\n" in text
    assert max(map(len, re.split(r"[\r\n]+", re.sub(CODES, "", text)))) == 40


def test_what_is_printed_into_a_file_stays_there(monkeypatch):
    with terminal(monkeypatch) as read, redirect_stdout(io.StringIO()) as file:
        with Progress(1, "/GPU:0"):
            sys.stdout.write("from a callback\n")
            sys.stderr.write("from another one\n")
        text = read()
    assert file.getvalue() == "from a callback\n"
    assert "from another one\n" in text
    assert "from a callback" not in text


def test_a_terminal_that_knows_no_codes_has_lines(monkeypatch, clock):
    with terminal(monkeypatch, TERM="dumb") as read:
        with Progress(1, "/GPU:0") as progress:
            show = progress.start("natgrad 1", 50)
            clock.now += 10.0
            show(25, 1.5)
        line = RUN.replace("0:00:00", "0:00:10")
        assert read() == DEVICE + line + line


def test_a_terminal_without_colours(monkeypatch):
    with terminal(monkeypatch, NO_COLOR="1") as read, Progress(1, "/GPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)
        text = wait_for(read, "━")
    assert not re.search(r"\x1b\[[\d;]*m", text)


def test_lines_above_the_live_line_of_another(monkeypatch):
    with terminal(monkeypatch) as read:
        with redirect_stderr(FileProxy(Console(stderr=True), sys.stderr)):
            show_a_run()
        assert read() == DEVICE + RUN


# Notebooks


def test_a_notebook_has_one_output_that_is_updated(capfd, notebook, clock):
    with Progress(1, "/GPU:0") as progress:
        show = progress.start("natgrad 1", 50)
        show(5, 3.0)  # too soon
        clock.now += 0.3
        show(10, 2.0)
        show(25, 1.5)  # too soon
        progress.tell_shares([1.0])
    assert capfd.readouterr() == ("", "")
    (texts,) = notebook
    device, end = DEVICE.strip(), RUN.strip()
    assert texts == [
        device,
        f"{device}\nnatgrad 1             0/50  starting  0:00:00",
        f"{device}\nnatgrad 1            10/50  bound -2.0000 per row  0:00:00, 0:00:02 to go",
        f"{device}\n{end}",
        *[f"{device}\n{end}\nshares of the rows: 100.0%"] * 2,
    ]


def test_a_run_without_a_look_leaves_nothing_in_a_notebook(notebook):
    with pytest.raises(KeyboardInterrupt):
        interrupt_a_run()
    assert notebook[0][-1] == DEVICE.strip()


def test_spyder_has_lines(notebook, monkeypatch):
    monkeypatch.setitem(sys.modules, "spyder_kernels", ModuleType("spyder_kernels"))
    with terminal(monkeypatch) as read:
        show_a_run()
        assert read() == DEVICE + RUN
    assert notebook == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_ipython_without_a_kernel_is_no_notebook(capfd, notebook, monkeypatch, shell):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    show_a_run()
    assert capfd.readouterr().err == DEVICE + RUN
    assert notebook == []
