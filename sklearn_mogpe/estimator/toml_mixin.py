"""Estimators out of TOML files, and into them."""

from os import PathLike
from typing import Any, Self

from ..descriptions.errors import ConfigurationError, at, check_keys
from ..descriptions.files import describe_estimator, naming, read_tables, write_tables
from ..descriptions.read import check_kernel, check_kernels, read_descriptions
from .scikit_learn import validate_parameter_constraints


class TomlMixin:
    """An estimator that can be read from TOML files, and written."""

    @classmethod
    def from_toml(cls, path: str | PathLike[str]) -> Self:
        """Make an estimator, not fitted, of the table ``[estimator]`` in a TOML file.

        Other tables are for the command ``sklearn-mogpe train``.

        Parameters
        ----------
        path : path-like
            Of a file in which the table has parameters by their names; those that are missing have their
            defaults. Experts are described one by one in tables ``[[estimator.experts]]``, the gate in
            ``[estimator.gating_network]``.

        Returns
        -------
        estimator

        Raises
        ------
        sklearn_mogpe.descriptions.errors.ConfigurationError
            A ValueError that names the file, the key, and what is allowed, if a key is unknown or a value is
            not as expected. What only data can tell, such as the number of lengthscales, is left to ``fit``.
        OSError
            If the file cannot be read.
        """
        with naming(path):
            tables = read_tables(path)
            with at("estimator"):
                return make_estimator(cls, tables["estimator"])

    def to_toml(self, path: str | PathLike[str]) -> Self:
        """Write the parameters that differ from their defaults into a TOML file, for ``from_toml``.

        Parameters
        ----------
        path : path-like
            A file that is there already is replaced.

        Returns
        -------
        self

        Raises
        ------
        sklearn_mogpe.descriptions.errors.ConfigurationError
            A ValueError, if a parameter is no plain data, such as a function or a RandomState.
        """
        write_tables(path, {"estimator": describe_estimator(self)})
        return self


def make_estimator(cls: Any, table: dict[str, Any]) -> Any:
    """Make an estimator of a table of its parameters.

    Raises
    ------
    ConfigurationError
        If a key is unknown, or a value is none that a fit would take.
    """
    check_keys(table, cls._get_param_names())
    for name, value in table.items():
        constraints = cls._parameter_constraints[name]
        with at(name):
            if isinstance(value, bool) and not {"boolean", "verbose"} & set(map(str, constraints)):
                raise ConfigurationError(f"expected no true or false, got {value!r}")
            validate_parameter_constraints({name: constraints}, {name: value}, cls.__name__)
    estimator = cls(**table)
    descriptions = read_descriptions(estimator)
    for n_experts in descriptions.n_experts:
        check_kernels(estimator.kernel, n_experts)
    check_kernel(estimator.gating_kernel, "gating_kernel")
    return estimator
