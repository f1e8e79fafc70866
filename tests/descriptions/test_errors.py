"""Descriptions in general: where errors are, and which class a name means."""

import abc
import pickle

import pytest

from sklearn_mogpe.descriptions.errors import (
    Configurable,
    ConfigurationError,
    at,
    check_keys,
    choose,
    describe,
    make,
    make_each,
)


class Shape(Configurable, abc.ABC):
    @abc.abstractmethod
    def area(self): ...


class Square(Shape):
    def __init__(self, side=1.0):
        if side < 0:
            raise ValueError("a side is not negative")
        self.side = side

    def area(self):
        return self.side**2

    def get_config(self):
        return {"side": self.side}


class Plain(Shape):
    def area(self):
        return 0.0


def test_a_path_is_built_from_the_inside_out():
    with pytest.raises(ConfigurationError, match=r"^experts\[1\].kernel.variance: too small$") as caught:  # noqa: SIM117
        with at("experts", 1), at("kernel"):
            raise ConfigurationError("too small", "variance")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_errors_of_other_code_get_their_place_and_are_kept():
    with pytest.raises(ConfigurationError, match=r"^kernel\[0\]: wrong$") as caught, at("kernel", 0):
        raise TypeError("wrong")
    assert isinstance(caught.value.__cause__, TypeError)


def test_keys_and_choices_are_checked():
    assert check_keys({"a": 1}, "ab") == {"a": 1}
    with pytest.raises(ConfigurationError, match=r"^c: unknown key; expected one of \['a', 'b'\]$"):
        check_keys({"c": 1}, "ab")
    with pytest.raises(ConfigurationError, match="expected a table, got 3"):
        check_keys(3, "ab")
    with pytest.raises(ConfigurationError, match=r"expected one of \['a', 'b'\], got \['a'\]"):
        choose(["a"], "ab")


def test_a_class_takes_part_by_get_config_alone():
    config = describe(Square(3.0), Shape)
    assert config == {"class": "Square", "side": 3.0}
    assert make(config, Shape, "Plain").area() == 9.0
    assert isinstance(make({}, Shape, "Plain"), Plain)
    assert config == {"class": "Square", "side": 3.0}  # as it was


def test_what_the_constructor_does_not_take_is_an_error_that_says_what_it_does():
    with pytest.raises(ConfigurationError, match=r"^\[1\].size: unknown key; expected one of \['side'\]$"):
        make_each(make, [{}, {"size": 1.0}], Shape, "Square")
    with pytest.raises(ConfigurationError, match=r"^\[0\]: a side is not negative$"):
        make_each(make, [{"side": -1.0}], Shape, "Square")


def test_a_class_without_get_config_is_named():
    with pytest.raises(NotImplementedError, match="Expected Plain to have a method get_config"):
        describe(Plain(), Shape)


def test_an_unknown_class_is_an_error_that_names_the_known():
    with pytest.raises(ConfigurationError, match=r"^class: expected one of \['Plain', 'Square'.* got 'Disc'"):
        make({"class": "Disc"}, Shape, "Plain")


def test_a_name_of_two_classes_has_to_be_given_in_full():
    def other():
        class Square(Shape):
            area = get_config = lambda self: {}

        return Square

    foreign = other()()
    full = f"{__name__}.{type(foreign).__qualname__}"
    with pytest.raises(ConfigurationError, match=r"got 'Square', which means several"):
        make({"class": "Square"}, Shape, "Plain")
    assert describe(foreign, Shape) == {"class": full}
    assert type(make({"class": full}, Shape, "Plain")) is type(foreign)
    assert describe(Square(), Shape)["class"] == f"{__name__}.Square"


def test_a_class_that_is_defined_again_takes_its_own_place():
    def define(value):
        class Again(Shape):
            def area(self):
                return value

        return Again

    first, second = define(1.0), define(2.0)
    assert first is not second
    assert make({"class": "Again"}, Shape, "Plain").area() == 2.0
