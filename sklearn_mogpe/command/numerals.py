"""How numbers are written: decimal points or commas, and marks between thousands."""

from typing import NamedTuple

from .sheets import load_polars


class Reading(NamedTuple):
    """A way to write numbers.

    Attributes
    ----------
    decimal : {".", ","}
        The decimal mark.
    has_groups : bool
        Whether the other mark is between thousands.
    """

    decimal: str
    has_groups: bool

    @property
    def title(self) -> str:
        """In words."""
        mark, other = ("points", "commas") if self.decimal == "." else ("commas", "points")
        return f"decimal {mark}" + (f" and {other} between thousands" if self.has_groups else "")


# Each is a pattern of what is a number by it; the plain ones come first.
READINGS = {
    Reading(".", False): r"(?i)^[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?)$",
    Reading(",", False): r"(?i)^[+-]?(([0-9]+,?[0-9]*|,[0-9]+)(e[+-]?[0-9]+)?|inf(inity)?)$",
    Reading(".", True): r"^[+-]?(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]+)?$",
    Reading(",", True): r"^[+-]?(0|[1-9][0-9]{0,2}(\.[0-9]{3})*)(,[0-9]+)?$",
}


def no_numbers(column, reading: Reading):
    """Which cells of a column of strings are no numbers by some reading; missing ones are not among them."""
    return ~column.str.contains(READINGS[reading]).fill_null(True)


def fitting(column) -> list[Reading]:
    """The readings by which all cells of a column of strings are numbers."""
    return [reading for reading in READINGS if not no_numbers(column, reading).any()]


def has_marks(column) -> bool:
    """Whether there is any point or comma in a column of strings."""
    return bool(column.str.contains("[.,]").any())


def cast(column, reading: Reading):
    """Make numbers of a column of strings that a reading fits; integers, if all are such."""
    polars = load_polars()
    if reading.has_groups:
        column = column.str.replace_all("," if reading.decimal == "." else ".", "", literal=True)
    column = column.str.replace(",", ".", literal=True)
    integers = column.cast(polars.Int64, strict=False)
    if integers.null_count() == column.null_count():
        return integers
    return column.cast(polars.Float64)
