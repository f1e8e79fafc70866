"""The scikit-learn estimator: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin

from .constraints import CONSTRAINTS
from .fitted_model import FittedModelMixin
from .fitting import fit_batches, fit_rows
from .scikit_learn import CallbackSupportMixin, fit_context
from .toml_mixin import TomlMixin

DOCUMENTATION = "https://sklearn-mogpe.github.io/sklearn_mogpe/api/sklearn_mogpe.{estimator_name}.html"


class MoGPERegressor(
    FittedModelMixin, TomlMixin, CallbackSupportMixin, MultiOutputMixin, RegressorMixin, BaseEstimator
):
    """Mixture of Gaussian process experts.

    Several sparse variational Gaussian processes, the experts, each with its own smoothness and noise, and a
    gating network that says with what probability each of them speaks at an input:
    ``p(y | x) = sum_k Pr(k | x) N(y; m_k(x), v_k(x))`` [1]_. For data whose noise, smoothness or branch
    changes with x.

    Parameters
    ----------
    n_experts : int, tuple or list of int, or "auto", default=(1, 2)
        Number of experts, K. One expert is a sparse Gaussian process. Of several numbers, ascending, each
        next is trained and taken as long as that raises the bound by more than two nats; ``"auto"`` stands
        for one to five. Not looked at if ``experts`` are given; where there are several, kernels or a
        gate's functions that are given one by one say it too.
    kernel : str, callable or list of K of these, default="rbf"
        Of the experts: ``"rbf"``, ``"matern12"``, ``"matern32"`` or ``"matern52"``, each with a lengthscale
        per feature, or ``"rbf_iso"`` and so on, with one for all; or a callable
        ``input_dim -> gpflow.kernels.Kernel``.
    gating_kernel : str or callable, default="rbf"
        Of the gating network.
    noise : {"auto", "constant", "varying"}, default="auto"
        Whether each expert's noise is the same everywhere, or changes with x: its variance is then a constant
        times ``exp(g(x))``, g a sparse Gaussian process of its own for each output. ``"auto"`` lets it vary,
        unless ``bound`` is a callable, which might not look at g.
    n_inducing : int or "auto", default="auto"
        Inducing points of each Gaussian process, M; no more than distinct inputs are used. The cost of a
        step grows with M^2. ``"auto"`` is 50 for one feature; for more it is 6.5 times the root of the
        number of rows, 100 to 220, and 300 beyond 20 000 rows.
    experts : list of dict or callable, default=None
        The experts one by one, as many as there shall be. A dict may have ``kernel``, ``mean_function``,
        ``noise_variance``, ``noise_gp``, ``inducing`` (``{"num": 32}``), ``q_mu``, ``q_sqrt``, ``q_diag`` and
        ``trainable``, see :mod:`sklearn_mogpe.gps.configuration`; what is missing is as the other parameters
        say. Values are where training starts, in standardised units. A callable
        ``(input_dim, num_outputs, Z) -> ExpertBase`` makes an expert of one's own.
    gating_network : dict or callable, default=None
        The gate: a dict of the same keys but the noise's, or of ``functions``, a list of such dicts, one for
        each of its functions. A callable ``(input_dim, num_experts, Z) -> GatingNetworkBase`` makes a
        gate of one's own.
    bound : {"tight", "further_gating", "further", "predictive"} or callable, default="further"
        What is maximised. ``"further"`` bounds the likelihood of the full processes; ``"tight"`` treats rows
        as independent given the inducing variables. ``"predictive"`` is no bound, but the log predictive
        density itself, for rows that are many; with few it fits too closely. A callable
        ``(latents, Y, points) -> (n,)`` is one's own, see :mod:`sklearn_mogpe.mixture_of_experts.bounds`.
    n_samples : int, default=32
        Even number of fixed quasi-random points that stand for the bound's expectations.
    solver : {"auto", "natgrad", "lbfgs", "adam"}, default="auto"
        ``"natgrad"``, which ``"auto"`` stands for: natural gradients for the variational parameters and Adam
        for the others. ``"lbfgs"``: SciPy's L-BFGS for all parameters, on the whole data. ``"adam"``: Adam
        for all parameters, on mini-batches, which ``"auto"`` stands for where natural gradients cannot be:
        for experts or gates of one's own, and a ``q`` that is held or diagonal.
    learning_rate : float, default=None
        First step size of Adam, and of the natural gradients of mini-batches, which decays to a tenth. None
        is 0.1 for ``"natgrad"`` on the whole data, 0.05 on mini-batches, and 0.01 for ``"adam"``.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch. ``"auto"`` is 256, or 4096 for ``"natgrad"``, which then takes mini-batches of
        more than 20 000 rows only, otherwise of more than ``batch_size``.
    max_iter : int, default=None
        Iterations of the whole-data solvers, or passes over the data in mini-batches. None is 125
        iterations, 75 from 2000 rows on (200 for ``"lbfgs"``), or two passes (10 000 steps for ``"adam"``).
    max_time : float, default=None
        Seconds after which training ends, with the best parameters so far. None is any time.
    tol : float, default=1e-4
        Least improvement of the bound per row (of the held-out score with ``early_stopping``), in nats.
    early_stopping : bool, default=False
        Hold out rows, keep the parameters that predict them best, and stop when that no longer improves.
    validation_fraction : float, default=0.1
        Part of the distinct rows that is held out.
    n_iter_no_change : int, default=50
        Iterations without improvement after which training ends.
    n_init : int, default=1
        Starts that are trained to the end, of which the best is kept; every fit tries several for a while.
    init_params : str, default="auto"
        The start: ``"kmeans"`` divides the inputs into regions, ``"noise"`` by the local level of
        noise, ``"residual"`` into branches above and below the mean, ``"mixture"`` by a Gaussian mixture of
        inputs and outputs; ``"ladder"``, ``"steep_ladder"`` and ``"low_ladder"`` let experts of different
        noise and smoothness compete. ``"prior"``: every q begins as its prior, or as described, and all
        other parameters as described; natural gradients let q find its place first. ``"auto"`` is
        ``"prior"`` if ``experts`` or a gate of one's own are given; otherwise it tries all others and goes
        on with what reaches the best bound.
    normalize_y : bool, default=True
        Standardise y for the fit; predictions are in its own units. The features are always standardised.
    warm_start : bool, default=False
        Begin from the last fit's parameters and scales.
    checkpoint_dir : path-like, default=None
        Of checkpoints, from which the same fit goes on after it was broken off. Needs an integer
        ``random_state``; fits may share it.
    n_checkpoints : int, default=3
        Checkpoints of each run that are kept: should the last be damaged, there are others.
    log_dir : path-like, default=None
        Directory of event files, in which TensorBoard shows how training goes: the bound, the parameters, the
        experts' shares, and, with ``early_stopping``, how well held-out rows are predicted. Each run that is
        trained to the end writes to a new directory below. To log changes nothing in the fit.
    log_period : int, default=10
        Least number of steps (iterations on the whole data, or mini-batches) between two points of a curve.
        Points come with reports, every 25 iterations or 100 mini-batches; those of the bound with each.
    image_period : int, default=None
        Least number of steps between two pictures of the model, which are drawn with a report. None draws
        none. They need Matplotlib and take seconds.
    device : str, default="auto"
        Where TensorFlow computes: ``"auto"`` is the first GPU, or the CPU; or a name such as ``"/GPU:1"``.
    dtype : {"float64", "float32"}, default="float64"
        Precision of the computation.
    verbose : int, default=0
        Above 0, progress and the time to go are shown, on the standard error or below a notebook's cell.
    random_state : int, RandomState instance or None, default=None
        For the clusterings among the starts, held-out rows, and mini-batches.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : array of shape (n_features,)
        If X had names.
    n_outputs_ : int
    n_experts_ : int
    n_experts_scores_ : dict
        ``lower_bound_`` by the numbers of experts that were tried; from 2000 rows on, that of a sample.
    n_inducing_ : int
        Inducing points in use.
    n_iter_ : int
        Iterations of the last run.
    converged_ : bool
        Whether training ended by ``tol``.
    lower_bound_ : float
        The bound of the (standardised) rows that were not held out, in nats; in mini-batches of more than
        20 000 rows, an estimate from some of them.
    loss_curve_ : list of float
        Negative bound and log priors per row, as training went.
    loss_iterations_ : list of int
        The iterations after which they, and the validation scores, were taken.
    validation_scores_ : list of float
        Mean log density of the held-out (standardised) rows, as training went.
    experts_ : list of dict
        What each expert has learnt: ``noise_std`` (n_outputs,), in units of y, and, of the named kernels,
        ``signal_std`` (n_outputs,) and ``lengthscales`` (n_outputs, n_features), in units of y and X. Of an
        expert of one's own, its parameters by their names, in standardised units.
    inducing_inputs_ : list of array of shape (n_inducing, n_features)
        Of each expert (no rows if one of your own has none), then of the gate, in units of X.
    gating_ : GatingClassifier
        The gating network as a classifier.
    model_ : MixtureOfSVGPExperts, or MixtureOfExperts with experts or a gate of one's own
        The GPflow model, in standardised units.

    References
    ----------
    .. [1] A. Scannell, C. H. Ek, A. Richards (2021). Identifiable Mixtures of Sparse Variational Gaussian
       Process Experts.

    Examples
    --------
    >>> from sklearn_mogpe import MoGPERegressor
    >>> from sklearn_mogpe.datasets import load_motorcycle
    >>> X, y = load_motorcycle(return_X_y=True)
    >>> model = MoGPERegressor(n_experts=2, random_state=0).fit(X, y)
    >>> mean, std = model.predict(X, return_std=True)
    >>> bool(std[0] < std[80])  # quiet before the impact, noisy after
    True
    """

    # Where the HTML representation leads to.
    _doc_link_module = "sklearn_mogpe"
    _doc_link_template = DOCUMENTATION

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    def __init__(
        self,
        n_experts: int | str | Sequence[int] = (1, 2),
        *,
        kernel: Any = "rbf",
        gating_kernel: Any = "rbf",
        noise: str = "auto",
        n_inducing: int | str = "auto",
        experts: Any = None,
        gating_network: Any = None,
        bound: Any = "further",
        n_samples: int = 32,
        solver: str = "auto",
        learning_rate: float | None = None,
        batch_size: int | str = "auto",
        max_iter: int | None = None,
        max_time: float | None = None,
        tol: float = 1e-4,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 50,
        n_init: int = 1,
        init_params: str = "auto",
        normalize_y: bool = True,
        warm_start: bool = False,
        checkpoint_dir: str | PathLike[str] | None = None,
        n_checkpoints: int = 3,
        log_dir: str | PathLike[str] | None = None,
        log_period: int = 10,
        image_period: int | None = None,
        device: str = "auto",
        dtype: str = "float64",
        verbose: int = 0,
        random_state: Any = None,
    ):
        self.n_experts = n_experts
        self.kernel = kernel
        self.gating_kernel = gating_kernel
        self.noise = noise
        self.n_inducing = n_inducing
        self.experts = experts
        self.gating_network = gating_network
        self.bound = bound
        self.n_samples = n_samples
        self.solver = solver
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.max_time = max_time
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.n_init = n_init
        self.init_params = init_params
        self.normalize_y = normalize_y
        self.warm_start = warm_start
        self.checkpoint_dir = checkpoint_dir
        self.n_checkpoints = n_checkpoints
        self.log_dir = log_dir
        self.log_period = log_period
        self.image_period = image_period
        self.device = device
        self.dtype = dtype
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        y_std: ArrayLike | None = None,
    ) -> Self:
        """Fit the mixture.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs)
        sample_weight : array-like of shape (n,), default=None
            A weight of 2 is a row that stands twice.
        y_std : float or array-like of shape (n,) or (n, n_outputs), default=None
            Standard deviation of the known error of each row's y, in units of y, on top of the noise that is
            learnt. None is 0. Predictions are of y without that error.

        Returns
        -------
        self
            After an interruption by Ctrl-C, with the best parameters so far.

        Raises
        ------
        ValueError
            If the data or a parameter is not as described.
        numpy.linalg.LinAlgError
            If the covariance matrices cannot be factorised.
        """
        last = self._state if self.warm_start and hasattr(self, "_state") else None
        fit_rows(self, (X, y, sample_weight, y_std), last)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        y_std: ArrayLike | None = None,
    ) -> Self:
        """Pass once over some rows, in mini-batches, from the present parameters.

        The first call fits the scales of features and outputs and looks for a start, so its rows should
        resemble those to come. Of several numbers of experts it takes two, or else the last: they could be
        compared only after several passes.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, n_outputs)
        sample_weight : array-like of shape (n,), default=None
        y_std : float or array-like of shape (n,) or (n, n_outputs), default=None

        Returns
        -------
        self
        """
        fit_rows(self, (X, y, sample_weight, y_std), getattr(self, "_state", None), one_pass=True)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_stream(self, batches: Iterable[Any], *, n_rows: int | None = None) -> Self:
        """Fit the mixture to rows that come in batches, and need not be in memory all at once.

        The first 20 000 rows fit the scales, and samples of them are what the search for a start looks at and
        what the bound is judged by; so the stream should be shuffled. Then every mini-batch is the next
        ``batch_size`` rows, whatever the sizes of the batches.

        Parameters
        ----------
        batches : iterable of ``(X, y)``, ``(X, y, sample_weight)`` or ``(X, y, sample_weight, y_std)``
            Batches as :meth:`fit` takes them, such as a list, a ``tf.data.Dataset`` or an object with
            ``__iter__``, which is iterated anew for every pass. Of an iterator, such as a generator, there
            is only one pass, whatever ``max_iter``; when it ends, so does training.
        n_rows : int, default=None
            Rows of a pass. None counts them, in a pass of its own; an iterator needs a number.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or a batch, of which it gives the number, is not as described; for a solver that
            needs the whole data; with ``early_stopping``, since rows may come again in another order.
        numpy.linalg.LinAlgError
            If the covariance matrices cannot be factorised.
        """
        last = self._state if self.warm_start and hasattr(self, "_state") else None
        fit_batches(self, batches, n_rows, last)
        return self
