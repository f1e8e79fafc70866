"""Compiled graphs of one structure, shared by all fits and predictions of that structure."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import NamedTuple

import gpflow
import joblib
import numpy as np
import tensorflow as tf

from ..data.rows import Rows
from ..gps import SparseGP, sparse_gps
from ..gps.tensorflow_start import no_collections
from ..mixture_of_experts import MixtureOfExpertsBase
from .curves import Curves
from .devices import start_devices, telling_of_memory
from .structure import Structure

State = dict[str, np.ndarray]
"""Unconstrained values of all parameters of a model, and its jitter, by their paths in the model."""

# Structures whose programs are kept. TensorFlow never frees a traced graph, so this bounds what the pool
# adds, not what a process that fits ever new structures has used. A grid search has rarely more than this.
MAX_STRUCTURES = 32

# Added to the diagonal of covariance matrices at first, by precision, besides what rounding takes away.
JITTER = {"float64": 1e-12, "float32": 1e-4}

# Smallest variance of noise, as a part of the jitter: functions that other jitter gives differ by as much.
LEAST_NOISE = 1e-2

_tracing = threading.RLock()


class Candidate(NamedTuple):
    """Parameters, and the loss per row that they reach."""

    loss: float
    state: State


@contextmanager
def building(structure: Structure) -> Iterator[None]:
    """GPflow's settings while a model is built or a graph is traced: they are global to a process."""
    # Logarithms of positive parameters suit gradient steps: the scale of the data cancels.
    config = gpflow.config.Config(
        float=np.dtype(structure.dtype).type,
        jitter=JITTER[structure.dtype],
        positive_bijector="exp",
        likelihood_positive_minimum=0.0,  # the experts' noise has a floor
    )
    with _tracing, no_collections(), gpflow.config.as_context(config), on_device(structure):
        yield


def on_device(structure: Structure):
    """Place what is made in this context on the structure's device."""
    return nullcontext() if structure.device == "auto" else tf.device(structure.device)


def without_strategy(function: Callable, *arguments):
    """Call a function outside the scope of a ``tf.distribute`` strategy, which would mirror new variables."""
    if not tf.distribute.has_strategy():
        return function(*arguments)
    with ThreadPoolExecutor(1) as other:  # scopes are a thread's own
        return other.submit(function, *arguments).result()


def variables_of(model: MixtureOfExpertsBase) -> dict[str, tf.Variable]:
    """All variables of a model that make up its :data:`State`, by their paths."""
    parameters = gpflow.utilities.parameter_dict(model)
    return {path: getattr(p, "unconstrained_variable", p) for path, p in parameters.items()}


class Program:
    """A model of some structure and the compiled functions that train and query it.

    A program holds no data and, between its uses, no values that matter: :meth:`assign` or :meth:`reset`
    comes first. The number of rows and, if the structure leaves them open, those of inducing points and of
    features are no part of its graphs. Get it by :func:`checkout`, which lends it to one use at a time.

    Parameters
    ----------
    structure : Structure

    Attributes
    ----------
    model : MixtureOfExpertsBase
    num_data : tf.Variable
        Rows that the data stand for.
    trainable : list of tf.Variable
        All that is trained.
    hyperparameters : list of tf.Variable
        The trainable variables that are not part of any q.
    curves : Curves
        The small parameters.
    """

    def __init__(self, structure: Structure):
        start_devices()
        self.structure = structure
        self._functions: dict[tuple, object] = {}
        self._held: State | None = None
        self._kept: dict[Callable, object] = {}
        with building(structure):
            self.model = structure.build(structure.n_features or 1, structure.n_inducing or 1)
            self._open_lengthscales = []
            if structure.n_inducing is None:
                self._open_lengthscales = _free_sizes(self.model, structure.n_features is None)
            self._variables = variables_of(self.model)
            self.model.num_data = self.num_data = tf.Variable(1.0, dtype=structure.dtype, trainable=False)
        self.curves = Curves(self.model)
        gps = sparse_gps(self.model)
        q = {id(p.unconstrained_variable) for gp in gps for p in (gp.q_mu, gp.q_sqrt)}
        self.trainable = list(self.model.trainable_variables)
        if not self.trainable:
            raise ValueError("Expected something to train, got a model whose parameters are all held.")
        self.hyperparameters = [v for v in self.trainable if id(v) not in q]
        self._smallest = self.read()

    def read(self) -> State:
        """Copy the values of all parameters."""
        # The operations themselves: the methods of variables take several times as long.
        values = (
            tf.raw_ops.ReadVariableOp(resource=v.handle, dtype=v.dtype) for v in self._variables.values()
        )
        return {path: value.numpy() for path, value in zip(self._variables, values, strict=True)}

    def assign(self, state: State) -> None:
        """Set the values of all parameters, or of those that ``state`` names."""
        for path, value in state.items():
            self._set(self._variables[path], value)

    def hold(self, state: State) -> None:
        """Set all values for predictions, unless nothing else has been set since, as training would."""
        if self._held is not state:
            self.assign(state)
            self._held, self._kept = state, {}

    def of_held(self, build: Callable, *arguments):
        """What a compiled function returns for the state that is held; computed once."""
        if build not in self._kept:
            self._kept[build] = self.get(build)(*arguments)
        return self._kept[build]

    def _set(self, variable, value):
        self._held = None
        value = np.asarray(value, self.structure.dtype)
        tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)

    def reset(self, Z, noise_floor=0.0) -> None:
        """Set the values that a model is built with, for inducing inputs Z (M, D), what is described too.

        Else every q is its prior. The noise's floor, a variance or one for each output, is what is needed.
        """
        if self.structure.n_inducing is None:
            self._reset_open_sizes(Z)
        else:
            self.assign(without_strategy(_built_values, self.structure, Z))
        self._set(self.model.experts.noise_floor, np.broadcast_to(noise_floor, self.structure.n_outputs))
        self.set_jitter()

    def _reset_open_sizes(self, Z):
        self.assign(self._smallest)
        self.set_points([Z] * len(self.model.gps))
        for lengthscales in self._open_lengthscales:
            variable = lengthscales.unconstrained_variable
            self._set(variable, np.repeat(variable.numpy(), Z.shape[1]))

    def set_points(self, Zs: Sequence[np.ndarray]) -> None:
        """Set the inducing inputs (M, D) of each GP, whose number is open; every q is its prior then."""
        for gp, Z in zip(self.model.gps, Zs, strict=True):
            self._set(gp.inducing_variable.Z.unconstrained_variable, Z)
            self.forget(gp)

    def forget(self, gp: SparseGP) -> None:
        """Let the q of one of the model's GPs be its prior."""
        M = len(gp.inducing_variable.Z.numpy())
        self._set(gp.q_mu.unconstrained_variable, np.zeros((M, gp.num_latent_gps)))
        roots = np.tile(_unconstrained_identity(M), (gp.num_latent_gps, 1))
        self._set(gp.q_sqrt.unconstrained_variable, roots)

    @property
    def jitter(self) -> tf.Variable | None:
        """What covariance matrices have added to their diagonal; None for experts or gates of other kinds."""
        return getattr(self.model, "jitter", None)

    def set_jitter(self, value: float = 0.0) -> None:
        """Set the jitter, if there is any, to no less than the precision's; the noise's floor may rise."""
        value = max(value, JITTER[self.structure.dtype])
        if self.jitter is not None:
            self._set(self.jitter, value)
        floor = self.model.experts.noise_floor
        self._set(floor, np.maximum(floor.numpy(), LEAST_NOISE * value))

    def data(self, rows: Rows, num_data: int | None = None) -> Rows:
        """Put rows onto the device, and tell the model how many they stand for."""
        self.num_data.assign(len(rows.X) if num_data is None else num_data)
        return self.put(rows)

    def put(self, rows: Rows) -> Rows:
        """Put rows onto the device, as a part of the data."""
        return Rows(*map(self.tensor, rows))

    def tensor(self, array) -> tf.Tensor:
        """An array on the device, in the structure's precision."""
        with on_device(self.structure):
            return tf.convert_to_tensor(np.asarray(array, self.structure.dtype))

    def get(self, build: Callable, *options):
        """Return what ``build(self, *options)`` makes, usually a compiled function; made only once."""
        key = build, options
        if key not in self._functions:
            self._functions[key] = without_strategy(self._build, *key)
        return self._functions[key]

    def prepare(self, *keys: tuple) -> None:
        """Make functions with :meth:`get`, side by side: while one is traced, the last one is set up.

        The first call of a function is when TensorFlow sets it up, so each is called here with ones, for
        which nothing is promised: the values of the parameters are lost, and errors are left to the calls
        that matter.
        """
        with ThreadPoolExecutor(1) as other:
            for build, *options in keys:
                if (build, tuple(options)) not in self._functions:
                    made = self.get(build, *options)
                    other.submit(_call_with_ones, made[0] if isinstance(made, tuple) else made)

    def _build(self, build, options):
        with building(self.structure):
            return build(self, *options)

    @property
    def n_functions(self) -> int:
        """How many functions are compiled."""
        return len(self._functions)

    def compile(self, function: Callable, *signature: tf.TensorSpec):
        """Trace a function of tensors; use in a callable that is handed to :meth:`get`."""

        def placed(*arguments):
            with on_device(self.structure):  # a graph does not inherit the device that is set around it
                return function(*arguments)

        return tf.function(placed, input_signature=signature, autograph=False).get_concrete_function()

    @property
    def rows_signature(self) -> Rows:
        """Signature of rows."""
        return self.signature_of_rows(self.structure.dtype)

    def signature_of_rows(self, dtype: str) -> Rows:
        """Signature of rows in some precision."""
        D, P = self.structure.n_features, self.structure.n_outputs
        shapes = Rows([None, D], [None, P], [None], [None, P])
        return Rows(*(tf.TensorSpec(shape, dtype) for shape in shapes))

    @property
    def vector_signature(self) -> tf.TensorSpec:
        """Signature of a vector of any length."""
        return tf.TensorSpec([None], self.structure.dtype)


@lru_cache(maxsize=8)
def _unconstrained_identity(size):
    return gpflow.utilities.triangular().inverse(np.eye(size)).numpy()


def _call_with_ones(function):
    arguments, _ = tf.nest.map_structure(
        lambda spec: tf.ones([size or 1 for size in spec.shape], spec.dtype),
        function.structured_input_signature,
    )
    return function(*arguments)


def _built_values(structure, Z):
    with building(structure):
        model = structure.build_at(Z)
    return {path: variable.numpy() for path, variable in variables_of(model).items()}


def _free_sizes(model, any_number_of_features):
    """Let the number of inducing points be any, and that of lengthscales; return the latter."""
    for gp in model.gps:
        L = gp.num_latent_gps
        gp.inducing_variable.Z = gpflow.Parameter(gp.inducing_variable.Z, shape=[None, None])
        gp.q_mu = gpflow.Parameter(gp.q_mu, shape=[None, L])
        gp.q_sqrt = gpflow.Parameter(
            gp.q_sqrt, unconstrained_shape=[L, None], constrained_shape=[L, None, None]
        )
    if not any_number_of_features:
        return []
    kernels = [module for module in model.submodules if isinstance(module, gpflow.kernels.Stationary)]
    kernels = [kernel for kernel in kernels if kernel.ard]
    for kernel in kernels:
        kernel.lengthscales = gpflow.Parameter(kernel.lengthscales, shape=[None])
    return [kernel.lengthscales for kernel in kernels]


# Idle programs by structure, the last used structure at the end. A structure has as many as were once in use
# at the same time.
_programs: OrderedDict[Structure, list[Program]] = OrderedDict()
_pool_lock = threading.Lock()


@contextmanager
def checkout(structure: Structure) -> Iterator[Program]:
    """Lend an idle program of a structure, or a new one; nobody waits, and nobody else gets it meanwhile.

    Not even the same thread: a callback or the iterator of a stream may predict, or fit, while a fit goes on.
    """
    with _pool_lock:
        idle = _programs.get(structure, [])
        # The one that can do most already, so that the others need not be compiled as well.
        idle.sort(key=lambda program: program.n_functions)
        program = idle.pop() if idle else None
    program = program or without_strategy(Program, structure)
    try:
        # A fit may itself be the work of a worker, whose queue is no place to wait for others in.
        with joblib.parallel_config(backend="sequential"), telling_of_memory():
            yield program
    finally:
        with _pool_lock:
            _programs.setdefault(structure, []).append(program)
            _programs.move_to_end(structure)
            if len(_programs) > MAX_STRUCTURES:
                _programs.popitem(last=False)


def bound_function(program: Program):
    """Compile the training loss (negative bound and log priors) of all data: ``rows -> scalar``."""
    return program.compile(program.model.training_loss, program.rows_signature)


def mixture_function(program: Program):
    """Compile the components of the predictive density: ``X -> weights, means, variances``."""
    return program.compile(program.model.predict_mixture, program.rows_signature.X)


def log_prior_function(program: Program):
    """Compile the log prior density of the parameters: ``() -> scalar``."""
    return program.compile(program.model.log_prior_density)
