"""From the estimator's parameters to a structure and settings, where ``None`` and ``"auto"`` are decided."""

from dataclasses import replace

from ..data.problem import FEW, Problem, number_of_points
from ..data.rows import WHOLE_DATA_ROWS
from ..descriptions.read import Descriptions, check_kernel, check_kernels
from ..engine.devices import check_device
from ..engine.structure import LEANING_FEATURES, Structure
from .fit import Settings
from .solvers import ADAM, BATCH_NATGRAD, LBFGS, NATGRAD, Solver

# batch_size="auto", and that of natural gradients where rows are many: a step also has its part that does not
# depend on the rows.
BATCH_SIZE, LARGE_BATCH_SIZE = 256, 4096


def choose_solver(
    estimator, descriptions: Descriptions, n_rows: int, n_features: int, *, in_batches: bool
) -> Solver:
    """Choose the solver of an estimator: for mini-batches where they are asked for, or rows are many.

    Parameters
    ----------
    estimator : MoGPERegressor
    descriptions : Descriptions
        Of the estimator.
    n_rows, n_features : int
    in_batches : bool
        Whether the rows come in mini-batches only.

    Raises
    ------
    ValueError
        If natural gradients are asked for that cannot train what is described.
    """
    if estimator.solver == "adam":
        return ADAM
    if estimator.solver == "lbfgs" and not in_batches:
        return LBFGS
    many = WHOLE_DATA_ROWS if estimator.batch_size == "auto" else estimator.batch_size
    solver = BATCH_NATGRAD if in_batches or n_rows > many else NATGRAD
    if solver.can_train(descriptions, number_of_points(estimator.n_inducing, FEW, n_features)):
        return solver
    if estimator.solver == "natgrad":
        raise ValueError(
            'Expected sparse GPs with a full and trainable q for solver="natgrad", and in mini-batches '
            'equally many inducing points, got others; try solver="auto", "adam" or "lbfgs".'
        )
    return ADAM


def make_structures(
    estimator, descriptions: Descriptions, problem: Problem, state: dict | None
) -> list[Structure]:
    """Make the structures of an estimator's models: one for each number of experts that is to be tried.

    Parameters
    ----------
    estimator : MoGPERegressor
    descriptions : Descriptions
        Of the estimator.
    problem : Problem
    state : dict or None
        Of an earlier fit, if this one goes on from it.

    Raises
    ------
    ValueError
        If the kernels are unknown or not one for each expert, the rows are fewer than the experts,
        ``n_samples`` is odd, the device is not there, or a fit that goes on needs another structure.
    """
    numbers, n_rows = list(descriptions.n_experts), problem.n_rows
    if state is None:
        first, *others = numbers
        if n_rows < first:
            raise ValueError(
                f"Expected at least one distinct row for each of the {first} experts, got {n_rows}; lower "
                "n_experts."
            )
        numbers = [first, *(number for number in others if number <= n_rows)]
    elif len(numbers) > 1:
        numbers = [estimator.n_experts_]
    if estimator.n_samples % 2:
        raise ValueError(f"Expected an even number as n_samples, got {estimator.n_samples}.")
    sizes = problem.evaluation.X.shape[1], problem.evaluation.Y.shape[1], problem.n_inducing
    structures = [make_structure(estimator, descriptions, number, *sizes) for number in numbers]
    if state is not None:
        has_changed = replace(structures[0], device="auto") != Structure(**state["structure"])
        if has_changed or problem.n_inducing != estimator.n_inducing_:
            raise ValueError(
                "Going on from the last fit needs the same n_experts, kernels, descriptions, n_inducing, "
                "n_samples, bound and dtype; call fit with warm_start=False to start anew."
            )
    return structures


def make_structure(
    estimator, descriptions: Descriptions, n_experts: int, n_features: int, n_outputs: int, n_inducing: int
) -> Structure:
    """Make the structure of an estimator's model of K experts, D features, P outputs and M points at most.

    Raises
    ------
    ValueError
        If the kernels are unknown or not one for each expert, or the device is not there.
    """
    kernels = check_kernels(estimator.kernel, n_experts)
    structure = Structure(
        kernels=kernels,
        gating_kernel=check_kernel(estimator.gating_kernel, "gating_kernel"),
        n_outputs=n_outputs,
        n_samples=estimator.n_samples,
        bound=estimator.bound,
        dtype=estimator.dtype,
        device=check_device(estimator.device),
        noise=_noise(estimator),
    )
    are_given = descriptions.are_given and (descriptions.experts is not None or n_experts > 1)
    if are_given:
        default = number_of_points(estimator.n_inducing, FEW, n_features)
        experts, gate = descriptions.frozen(n_experts, default, n_inducing)
        structure = replace(structure, experts=experts, gating_network=gate, n_inducing=n_inducing)
    if are_given or n_features > LEANING_FEATURES or any(map(callable, (*kernels, estimator.gating_kernel))):
        structure = replace(structure, n_features=n_features)
    return structure


def _noise(estimator):
    """A bound of one's own may not know of a noise that varies."""
    is_own_bound = callable(estimator.bound)
    return ("constant" if is_own_bound else "varying") if estimator.noise == "auto" else estimator.noise


def make_settings(
    estimator, descriptions: Descriptions, n_rows: int, solver: Solver, max_iter: int | None
) -> Settings:
    """Make the settings of an estimator's training.

    Parameters
    ----------
    estimator : MoGPERegressor
    descriptions : Descriptions
        Of the estimator.
    n_rows : int
    solver : Solver
    max_iter : int or None
        In place of the estimator's own.

    Raises
    ------
    ValueError
        If a start cannot be had of what is described, or the replicas of a ``tf.distribute`` strategy cannot
        share mini-batches evenly.
    """
    patience = estimator.n_iter_no_change
    batch_size = estimator.batch_size
    if batch_size == "auto":
        batch_size = LARGE_BATCH_SIZE if solver.is_natural and n_rows > WHOLE_DATA_ROWS else BATCH_SIZE
    options = solver.options(n_rows, batch_size, patience, max_iter, estimator.learning_rate)
    solver.check_replicas(options.batch_size)
    return Settings(
        solver=solver,
        options=options,
        tol=estimator.tol,
        n_iter_no_change=patience,
        n_init=estimator.n_init,
        init_params=_init_params(estimator.init_params, descriptions),
        verbose=estimator.verbose,
    )


def _init_params(name, descriptions):
    is_natural = descriptions.are_natural
    has_no_race = descriptions.experts is not None and descriptions.n_experts == (1,)
    if has_no_race or (name == "auto" and (descriptions.experts is not None or not is_natural)):
        return "prior"
    if name == "prior" or is_natural:
        return name
    raise ValueError(
        f'Expected init_params="prior" or "auto" for what is described, got {name!r}: other starts need '
        "sparse GPs with a full and trainable q."
    )
