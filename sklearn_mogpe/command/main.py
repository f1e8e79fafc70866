"""The command line."""

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import resources

from .. import __version__

EXAMPLES = resources.files("sklearn_mogpe").joinpath("configurations")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command ``sklearn-mogpe``; errors of its user end it with status 2.

    Parameters
    ----------
    arguments : sequence of str, default=None
        In place of those of the process.
    """
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    command = options.pop("command")
    try:
        command(**options)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(2, f"sklearn-mogpe: {_message(error)}\n")
    except KeyboardInterrupt:
        parser.exit(130, "sklearn-mogpe: interrupted before there was a result\n")


def _message(error):
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return error


def _parser():
    parser = argparse.ArgumentParser(
        prog="sklearn-mogpe", description="Mixtures of Gaussian process experts, described in TOML files."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name, command, text):
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        sub.set_defaults(command=command)
        return sub

    train = add("train", _train, "train a model, print its scores of held-out rows, and save it")
    train.add_argument("path", metavar="FILE", help="TOML file that describes data and model")
    train.add_argument(
        "--output", metavar="DIRECTORY", help="for the results; default: as FILE says, or its name"
    )
    train.add_argument(
        "--random-state",
        type=int,
        metavar="N",
        help="of the split and of the model, in place of those in FILE",
    )
    predict = add("predict", _predict, "predict the rows of a file by a model that was trained")
    predict.add_argument(
        "directory", metavar="DIRECTORY", help="results of sklearn-mogpe train; a pickle: trust it"
    )
    predict.add_argument("path", metavar="FILE", help="CSV, Parquet or NPZ file with the features")
    predict.add_argument(
        "--output", default="predictions.csv", metavar="FILE", help="default: predictions.csv"
    )
    predict.add_argument(
        "--coverage", type=float, default=0.9, metavar="P", help="probability of the intervals; default: 0.9"
    )
    convert = add("convert", _convert, "print what a file of the research code mogpe says as one of ours")
    convert.add_argument("path", metavar="FILE", help="TOML file of mogpe")
    example = add("example", _example, "print a file to begin with")
    example.add_argument("name", choices=_example_names(), help="which")
    return parser


def _train(**options):
    from .train import train  # what is imported here and below takes seconds

    # As Ctrl-C: who ends a job because its time is up, too, wants the best parameters so far.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        train(**options)
    finally:
        signal.signal(signal.SIGTERM, before)


def _predict(**options):
    from .predict import predict

    predict(**options)


def _convert(**options):
    from .convert import convert

    convert(**options)


def _example(name):
    sys.stdout.write(EXAMPLES.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _example_names():
    return sorted(file.name.removesuffix(".toml") for file in EXAMPLES.iterdir())
