"""``sklearn-mogpe convert`` says what files of mogpe say, and names what it cannot."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import joblib
import numpy as np
import pytest
import tomli_w

from sklearn_mogpe import MoGPERegressor
from sklearn_mogpe.command.convert import KNOWN, translate
from sklearn_mogpe.datasets import load_motorcycle

PAGE = Path(__file__).parents[2] / "docs" / "coming_from_mogpe.md"

TRAINING = """
data_file = "rows.npz"
standardise = true
test_split_size = 0.25
epochs = 300
batch_size = 4
learning_rate = 0.02
num_samples = 1
num_experts = 2
fast_tasks_period = 10
slow_tasks_period = 500
logging_epoch_freq = 100
num_ckpts = 5
log_dir = "./logs/rows/"
bound = "further_gating"
"""

EXPERTS = """
[[experts]]
    name = "calm"
    whiten = true
    [experts.mean_function]
        name = "constant"
        [experts.mean_function.params]
            constant = [0.5, -0.5]
    [experts.kernel]
        name = "RBF"
        params = { lengthscale = 10.0, variance = 0.1 }
    [experts.likelihood]
        name = "gaussian"
        params = { variance = [0.03, 0.04] }
    [experts.inducing_points]
        num_inducing = 6
        inputs_trainable = false
        q_mu.mean = 0.25
        q_mu.var = 2.0
        q_sqrt = 3.0
        q_diag = true

[[experts]]
    mean_function = "zero"
    [[experts.kernel]]
        name = "cosine"
        active_dims = [1]
        params = { lengthscale = 2.0 }
    [[experts.kernel]]
        name = "sum"
        [[experts.kernel.sum]]
            name = "rbf"
        [[experts.kernel.sum]]
            name = "product"
            product = [{ name = "rbf", params = { variance = 4.0 } }, { name = "Matern32" }]
    [experts.likelihood]
        name = "gaussian"
        params = { variance = 0.9 }
    [experts.inducing_points]
        num_inducing = 8
"""

GATE = """
[gating_network]
    active_dims = [1]
    [[gating_network.kernel]]
        name = "rbf"
        params = { lengthscale = 0.5, variance = 3.0 }
    [gating_network.inducing_points]
        num_inducing = 5
        q_sqrt = 2.0
"""


@pytest.fixture
def rows(folder):
    """Twenty rows of two inputs and two outputs, in a file with mogpe's names."""
    rng = np.random.default_rng(0)
    np.savez(folder / "rows.npz", x=rng.normal(size=(20, 2)), y=rng.normal(size=(20, 2)))


def expert(lengthscale=1.0, noise=0.1, **also):
    """A table of an expert, in mogpe's words."""
    kernel = {"name": "rbf", "params": {"lengthscale": lengthscale}}
    likelihood = {"name": "gaussian", "params": {"variance": noise}}
    return {"kernel": kernel, "likelihood": likelihood, "inducing_points": {"num_inducing": 5}, **also}


def gate(*lengthscales, **also):
    """A table of a gate with a kernel for each function."""
    kernels = [{"name": "rbf", "params": {"lengthscale": lengthscale}} for lengthscale in lengthscales]
    return {"kernel": kernels, "inducing_points": {"num_inducing": 5}, **also}


def two(**also):
    """Content of a file with two experts."""
    experts = {"experts": [expert(2.0), expert(0.5)], "gating_network": gate(1.0)}
    return {"num_experts": 2, "input_dim": 1, "output_dim": 1, **experts, **also}


def said(config, key):
    """What is remarked about a key, or nothing."""
    for remark in translate(config)[1]:
        paths, reason = remark.split(": ", 1)
        if key in paths.split(", "):
            return reason
    return None


def test_every_key(rows):
    tables, _ = translate(tomllib.loads(TRAINING + EXPERTS + GATE))
    assert tables["data"] == {"path": "rows.npz", "features": ["x"], "target": "y"}
    assert tables["split"] == {"test_size": 0.25, "random_state": 42}
    estimator = tables["estimator"]
    experts, gating_network = estimator.pop("experts"), estimator.pop("gating_network")
    assert estimator == {
        "noise": "constant",
        "bound": "further_gating",
        "n_samples": 32,
        "normalize_y": True,
        "solver": "adam",
        "learning_rate": 0.02,
        "batch_size": 4,
        "max_iter": 300,
        "n_iter_no_change": 300,
        "log_dir": "./logs/rows/",
        "checkpoint_dir": "logs/rows/checkpoints",
        "n_checkpoints": 5,
        "log_period": 10 * 4,  # four mini-batches of the fifteen rows are an epoch
        "image_period": 500 * 4,
        "random_state": 42,
    }
    assert experts[0] == {  # a kernel for each output, with a lengthscale for each input
        "kernel": 2 * [{"name": "rbf", "lengthscales": [10.0, 10.0], "variance": 0.1}],
        "mean_function": {"name": "constant", "c": [0.5, -0.5]},
        "noise_variance": [0.03, 0.04],
        "inducing": {"num": 6, "trainable": False},
        "q_mu": 0.25,
        "q_sqrt": 3.0,
        "q_diag": True,
    }
    product = {"product": [{"name": "rbf", "variance": 4.0}, {"name": "matern32"}]}
    assert experts[1] == {
        "kernel": [
            {"name": "cosine", "lengthscales": 2.0, "active_dims": [1]},
            {"sum": [{"name": "rbf"}, product]},
        ],
        "mean_function": "zero",
        "noise_variance": 0.9,
        "inducing": {"num": 8, "trainable": True},
    }
    assert gating_network == {
        "kernel": {"name": "rbf", "lengthscales": 0.5, "variance": 3.0, "active_dims": [1]},
        "mean_function": "zero",
        "inducing": {"num": 5, "trainable": True},
        "q_sqrt": 2.0,
    }


def test_comments_name_what_is_not_kept(rows, folder, run):
    also = (
        'plot_dataset = false\ntrim_coords = [[0.0, 0.0], [1.0, 1.0]]\ninput_dim = 2\n"od\\u0000d\\n" = 1\n'
    )
    (folder / "old.toml").write_text(
        TRAINING + also + EXPERTS + "    whiten = false\n    [experts.new]\n" + GATE
    )
    printed = run("convert", "old.toml")
    comments, tables = printed.split("\n\n", 1)
    assert not [line for line in comments.splitlines() if not line.startswith("# ") or len(line) > 110]
    text = " ".join(line.removeprefix("#").strip() for line in comments.splitlines())
    head, *remarks = text.split(" - ")
    assert head == "From old.toml, a file of mogpe, by sklearn-mogpe convert. What is not kept, or not quite:"
    assert [remark.split(": ")[0] for remark in remarks] == [
        "experts[0].name",
        "experts[0].inducing_points.q_mu.var",
        "experts[1].new, experts[1].inducing_points.whiten, od?d?",
        "num_samples",
        "learning_rate",
        "epochs",
        "input_dim",
        "logging_epoch_freq",
        "plot_dataset",
        "trim_coords",
    ]
    assert tomllib.loads(printed) == tomllib.loads(tables)


@pytest.fixture
def trained(folder, run):
    """A tiny fit of a file in the words of today's mogpe, with a column that counts its rows."""
    X, y = load_motorcycle(return_X_y=True)
    lines = [f"{row + 1},{x},{target}" for row, (x, target) in enumerate(zip(X[:, 0], y, strict=True))]
    (folder / "mcycle.csv").write_text("\n".join(['"","times","accel"', *lines[::3]]))
    kernel = {
        "name": "product",
        "product": [{"name": "cosine"}, {"name": "rbf", "params": {"variance": 3.0}}],
    }
    config = {
        **{"data_file": "mcycle.csv", "standardise": True, "test_split_size": 0.2, "num_experts": 2},
        **{"epochs": 1, "batch_size": 32, "learning_rate": 1e-9},
        "experts": [expert(10.0, 0.03), expert(0.5, [0.9], kernel=kernel)],
        "gating_network": gate(0.6, inducing_points={"num_inducing": 4}),
    }
    (folder / "old.toml").write_text(tomli_w.dumps(config))
    (folder / "new.toml").write_text(run("convert", "old.toml") + "\n[output]\nfigures = false\n")
    run("train", "new.toml")
    return joblib.load("new/model.joblib")


def test_the_result_trains(trained):
    assert trained.feature_names_in_.tolist() == ["times"]
    assert sum(len(np.load("new/split.npz")[part]) for part in ("train", "test")) == 45
    model = trained.model_
    first, second = model.experts.experts
    noises = [float(np.squeeze(part.likelihood.variance.numpy())) for part in (first, second)]
    assert noises == pytest.approx([0.03, 0.9], rel=1e-4)
    assert first.noise_gp is second.noise_gp is None
    assert first.gp.kernel.lengthscales.numpy() == pytest.approx(10.0)
    cosine, rbf = second.gp.kernel.kernels
    assert type(cosine).__name__ == "Cosine"
    assert rbf.variance.numpy() == pytest.approx(3.0)
    (function,) = model.gating_network.gps
    assert function.kernel.lengthscales.numpy() == pytest.approx(0.6)
    points = [gp.inducing_variable.Z for gp in (first.gp, second.gp, function)]
    assert [Z.shape for Z in points] == [(5, 1), (5, 1), (4, 1)]
    assert all(Z.trainable for Z in points)
    assert (trained.n_iter_, trained.bound, trained.solver) == (1, "further", "adam")


@pytest.mark.parametrize(
    ("bound", "ours"),
    [
        *((name, name) for name in ("further", "further_gating", "tight")),
        ("further_expert", "further"),
        ("tight_2", "tight"),
        ("loose", "further"),
    ],
)
def test_bounds(bound, ours):
    config = two(bound=bound)
    assert translate(config)[0]["estimator"]["bound"] == ours
    assert (said(config, "bound") is None) == (bound == ours)


def test_what_the_file_leaves_out_is_as_in_mogpe():
    config = {"num_experts": 2, "num_data": 41, "experts": [{"kernel": {"name": "rbf"}}, expert(0.5)]}
    tables, _ = translate({**config, "gating_network": gate(1.0, mean_function={"name": "constant"})})
    assert tables["split"]["test_size"] == 0
    assert "data" not in tables
    estimator = tables["estimator"]
    assert (estimator["bound"], estimator["learning_rate"]) == ("further", 0.001)
    assert not {"max_iter", "log_dir", "checkpoint_dir", "log_period", "image_period"} & estimator.keys()
    assert estimator["experts"][0] == {
        "kernel": {"name": "rbf"},
        "mean_function": "zero",
        "noise_variance": 1.0,
        "inducing": {"num": 10, "trainable": True},
    }
    assert estimator["gating_network"]["mean_function"] == "constant"
    assert "dataset" in said(config, "data_file")


def test_gates_of_earlier_versions():
    functions = [
        {"mean_function": "zero", "kernel": {"name": "rbf"}, "inducing_points": {"num_inducing": n}}
        for n in (4, 5, 6)
    ]
    experts = [expert(scale) for scale in (1.0, 2.0, 3.0)]
    config = {"num_experts": 3, "experts": experts, "gating_functions": functions}
    described = translate(config)[0]["estimator"]["gating_network"]["functions"]
    assert [function["inducing"]["num"] for function in described] == [4, 5, 6]
    kernels = {"kernels": [{"name": "rbf", "params": {"lengthscale": scale}} for scale in (1.0, 2.0, 3.0)]}
    config = {"num_experts": 3, "input_dim": 1, "experts": experts, "gating_network": kernels}
    described = translate(config)[0]["estimator"]["gating_network"]["kernel"]
    assert [kernel["lengthscales"] for kernel in described] == [1.0, 2.0, 3.0]
    one = {"num_experts": 2, "experts": experts[:2], "gating_functions": functions[0]}
    assert translate(one)[0]["estimator"]["gating_network"]["inducing"]["num"] == 4
    config["gating_network"] = gate(2.0, active_dims=[1, 3])
    config["gating_network"]["kernel"][0]["active_dims"] = [1]
    described = translate(config)[0]["estimator"]["gating_network"]["kernel"]
    assert described == 3 * [{"name": "rbf", "lengthscales": 2.0, "active_dims": [3]}]


def test_one_gaussian_process(folder):
    training = {"data_file": "mcycle.csv", "epochs": 25, "learning_rate": 0.01, "test_split_size": 0.3}
    tables, _ = translate(training)
    assert tables["data"] == {"dataset": "motorcycle"}  # the same data
    (exact,) = tables["estimator"].pop("experts")
    assert exact["inducing"] == {"num": 93, "trainable": False}
    assert (exact["kernel"]["name"], exact["mean_function"]) == ("rbf", "constant")
    assert (tables["estimator"]["solver"], tables["estimator"]["max_iter"]) == ("lbfgs", 25)
    assert said(training, "learning_rate").startswith("L-BFGS")
    tables, _ = translate({**training, "batch_size": 16, "num_inducing": 32})
    assert tables["estimator"]["experts"][0]["inducing"] == {"num": 32, "trainable": True}
    assert (tables["estimator"]["solver"], tables["estimator"]["batch_size"]) == ("adam", 16)


def test_numbers_of_experts():
    one = {"num_experts": 2, "experts": [expert()], "gating_network": gate(1.0)}
    estimator = translate(one)[0]["estimator"]
    assert len(estimator["experts"]) == 2
    assert estimator["init_params"] == "kmeans"  # else two that are alike would stay so
    assert said(one, "num_experts").startswith("2, where one is described")
    assert "alike" in said(one, "experts")
    one["experts"][0]["inducing_points"]["q_diag"] = True  # which no start but the described one can have
    assert "init_params" not in translate(one)[0]["estimator"]
    assert "alike" in said(one, "experts")
    one["num_experts"] = 1
    assert "gating_network" not in translate(one)[0]["estimator"]
    assert said(one, "gating_network") == "a single expert has no gate"
    undescribed = {"num_experts": 3, "num_inducing": 7}
    estimator = translate(undescribed)[0]["estimator"]
    assert (estimator["n_experts"], estimator["n_inducing"]) == (3, 7)
    assert said(undescribed, "gating_network") == "not said: a gate as usual"


def test_data_that_are_not_there(folder):
    config = two(data_file="./data/rows.npz", batch_size=4, fast_tasks_period=10, log_dir="logs")
    del config["input_dim"], config["output_dim"]
    tables, _ = translate(config)
    assert tables["data"] == {"path": "./data/rows.npz", "features": ["x"], "target": "y"}
    assert said(config, "data_file").startswith("not read")
    assert (
        said(config, "fast_tasks_period")
        == "10 epochs: set log_period to as many times the mini-batches of one"
    )
    for key in ("experts[0].kernel", "experts[0].kernel.params.lengthscale"):
        assert "where each had its own" in said(config, key)
    assert tables["estimator"]["experts"][0]["kernel"] == {"name": "rbf", "lengthscales": 2.0}
    (folder / "bad.npz").write_text("no archive")
    assert said(two(data_file="bad.npz"), "data_file").startswith("not read")


@pytest.mark.parametrize(
    ("also", "key", "reason"),
    [
        ({"standardise": False}, "standardise", "features are always standardised"),
        ({"num_samples": 41}, "num_samples", "the points of n_samples"),
        ({"fast_tasks_period": 0, "log_dir": "a"}, "fast_tasks_period", "none in mogpe"),
        ({"slow_tasks_period": 5}, "slow_tasks_period", "nothing is logged without log_dir"),
        ({"gating_network": gate(1.0, whiten=False)}, "gating_network.whiten", "the inducing variables"),
        ({"gating_network": gate(1.0, rate=1)}, "gating_network.rate", "unknown here, not kept"),
        ({"dataset_name": "mcycle"}, "dataset_name", "unknown here, not kept"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_remarks(also, key, reason):
    assert said(two(**also), key).startswith(reason)
    assert said(two(), key) is None or key == "standardise"


def test_other_meanings():
    estimator = translate(two(standardise=False, num_inducing_samples=41, num_ckpts=2))[0]["estimator"]
    assert estimator["normalize_y"] is False
    assert estimator["n_samples"] == 42
    assert (estimator["checkpoint_dir"], estimator["n_checkpoints"]) == ("checkpoints", 2)


MISTAKES = {
    "no_toml": ("{\n", "expected a TOML file, got another: Invalid"),
    "ours": ("[estimator]\nbound = 'tight'\n", "expected a file for mogpe, with keys such as num_experts"),
    "count": ("epochs = 'many'\n", "epochs: expected a positive integer, got 'many'"),
    "rate": ("learning_rate = -1\nnum_experts = 2\n", "learning_rate: expected a positive number, got -1"),
    "split": ("test_split_size = 1.5\n", "test_split_size: expected the part of the rows that is held out"),
    "file": ("data_file = 3\n", "data_file: expected a string, got 3"),
    "flag": ("standardise = 'yes'\n", "standardise: expected true or false, got 'yes'"),
    "period": ("fast_tasks_period = 0.5\n", "fast_tasks_period: expected a positive integer, got 0.5"),
    "experts": ("[experts]\n", "experts: expected a table [[experts]] for each expert, got {}"),
    "kernel": ("[[experts]]\nkernel.name = 'rfb'\n", "experts[0].kernel.name: expected one of ['constant'"),
    "kernels": ("[[experts]]\nkernel.name = 'sum'\n", "experts[0].kernel.sum: expected a list of kernels"),
    "scale": (
        "[[experts]]\nkernel = {name = 'rbf', params = {lengthscale = -1.0}}\n",
        "experts[0].kernel.params.lengthscale: expected a positive number or ",
    ),
    "dims": (
        "[[experts]]\nkernel = {name = 'rbf', active_dims = [-1]}\n",
        "experts[0].kernel.active_dims: expected a list of inputs, counted from 0, got [-1]",
    ),
    "noise": (
        "[[experts]]\nlikelihood.name = 'student'\n",
        "experts[0].likelihood.name: expected one of ['gaussian'], got 'student'",
    ),
    "mean": ("[[experts]]\nmean_function = 'linear'\n", "experts[0].mean_function.name: expected one of ["),
    "number": (
        "num_experts = 3\n[[experts]]\n[[experts]]\n",
        "num_experts: expected 2, as many as there are",
    ),
    "gate": (
        "[[experts]]\n[[experts]]\n[[gating_functions]]\n[[gating_functions]]\n",
        "gating_functions: expected 1 for 2 experts, got 2",
    ),
    "gate_kernels": (
        "num_experts = 3\n[[gating_network.kernel]]\nname = 'rbf'\n[[gating_network.kernel]]\nname = 'rbf'\n",
        "gating_network.kernel: expected one kernel, or one for each of 3 functions, got 2",
    ),
    "gates": (
        "num_experts = 2\n[gating_network]\n[[gating_functions]]\n",
        "expected one of ['gating_network', ",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name, folder, error):
    text, problem = MISTAKES[name]
    (folder / "old.toml").write_text(text)
    assert error("convert", "old.toml").startswith(f"sklearn-mogpe: old.toml: {problem}")


def test_no_file(folder, error):
    assert "old.toml: No such file or directory" in error("convert", "old.toml")


def test_it_does_without_tensorflow(folder):
    (folder / "old.toml").write_text(tomli_w.dumps(two()))
    code = (
        "import sys\nfrom sklearn_mogpe.command.main import main\nmain(['convert', 'old.toml'])\n"
        "assert not {'tensorflow', 'gpflow', 'sklearn_mogpe.command.train'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert result.returncode == 0, result.stderr
    (folder / "new.toml").write_text(result.stdout)
    model = MoGPERegressor.from_toml(folder / "new.toml")
    assert [part["kernel"]["lengthscales"] for part in model.experts] == [2.0, 0.5]


def test_the_page_tells_of_every_key():
    page = PAGE.read_text(encoding="utf-8")
    assert not [key for key in KNOWN if not re.search(rf"[`\[]{key}[`\]]", page)]
