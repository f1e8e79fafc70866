"""What a fit shows of itself."""

import pytest

from sklearn_mogpe.training.progress import Progress


def test_the_device_comes_first_then_the_runs(capfd):
    with Progress(1, "/GPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)
    out, err = capfd.readouterr()
    assert out == ""
    device, run = err.strip().splitlines()
    assert device == "training on /GPU:0"
    assert run.startswith("natgrad 1")
    assert "25/50" in run
    assert "bound -1.5000 per row" in run


@pytest.mark.parametrize("verbose", [0, -1])
def test_silence(capfd, verbose):
    with Progress(verbose, "/CPU:0") as progress:
        progress.start("natgrad 1", 50)(25, 1.5)
    assert capfd.readouterr() == ("", "")


def test_experts_that_speak_nowhere_are_named(capfd):
    with Progress(1, "/CPU:0") as progress:
        progress.tell_shares([0.7495, 0.0005, 0.25])
    lines = capfd.readouterr().err.strip().splitlines()
    assert lines[-2:] == [
        "shares of the rows: 75.0%, 0.1%, 25.0%",
        "expert 2 speaks nowhere: fewer experts say the same",
    ]
