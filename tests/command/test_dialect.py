"""Each way in which programs write the same rows gives the same numbers, and the report tells it."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sklearn_mogpe.command.dataset import read_data
from sklearn_mogpe.descriptions.errors import ConfigurationError

ROWS = [(day, (day * 7 % 50) / 10, (day % 11) * 1.5 + 0.25) for day in range(160)]
EXPECTED = np.array(ROWS)
NAMES = ("day", "rain", "flow")
HEADER = "day,rain,flow\n"


def comma(value):
    return str(value).replace(".", ",")


def text(separator=",", write=str, names=NAMES):
    rows = ([names] if names else []) + [tuple(map(write, row)) for row in ROWS]
    return "".join(separator.join(row) + "\n" for row in rows)


def each(line, header=HEADER):
    return header + "".join(line(*row) + "\n" for row in ROWS)


def saved(**options):
    file = io.StringIO()
    np.savetxt(file, EXPECTED, **options)
    return file.getvalue()


FRAME = pd.DataFrame(EXPECTED, columns=NAMES)
POINTS, COMMAS = "decimal points", "decimal commas"

# What is in the file, and what the report tells of it.
DIALECTS = {
    "commas": (text(), ["160 rows, separator ',', encoding utf-8", POINTS]),
    "semicolons": (text(";"), ["separator ';'", POINTS]),
    "decimal_commas": (text(";", comma), ["separator ';'", COMMAS]),
    "tabs": (text("\t"), [r"separator '\t'", POINTS]),
    "tabs_and_decimal_commas": (text("\t", comma), [r"separator '\t'", COMMAS]),
    "pipes": (text(" | "), ["separator '|'", POINTS]),
    "spaces": (text("   "), ["separator ' '", POINTS]),
    "spaces_and_decimal_commas": (text(" ", comma), ["separator ' '", COMMAS]),
    "aligned": (
        "".join("{:>9}{:>9}{:>9}  \n".format(*row) for row in [NAMES, *ROWS]),
        ["separator ' '", POINTS],
    ),
    "spaces_and_tabs": (each("{} \t{}\t\t{}".format, "day \train\t\tflow\n"), ["separator ' '", POINTS]),
    "decimal_comma_in_quotes": (
        each(lambda day, rain, flow: f'{day},"{comma(rain)}",{flow}'),
        ["separator ','", "decimal commas in 'rain'", "decimal points in 'flow'"],
    ),
    "all_in_quotes": (each('"{}","{}","{}"'.format, '"day","rain","flow"\n'), [POINTS]),
    "quotes_and_spaces": (
        each(lambda day, rain, flow: f' {day} , "{comma(rain)}" ,"{comma(flow)}" ', "day, rain ,flow \n"),
        [COMMAS],
    ),
    "spaces_after_commas": (text(", "), ["separator ','", POINTS]),
    "comma_at_ends": (each("{},{},{},".format), [POINTS]),
    "comma_at_all_ends": (each("{},{},{},".format, "day,rain,flow,\n"), [POINTS]),
    "comma_at_late_ends": (each(lambda *row: ",".join(map(str, row)) + "," * (row[0] > 130)), [POINTS]),
    "comment_first": ("# station 12, of two\n" + text(), ["comment lines, those that begin with # or %: 1"]),
    "comments_inside": (
        text().replace("\n0,", "\n# units: mm\n0,").replace("\n150,", "\n \n  % moved, twice\n150,"),
        ["comment lines, those that begin with # or %: 2"],
    ),
    "blank_lines": ("\n\n" + text().replace("\n50,", "\n\n   \n50,") + "\n  \n", ["160 rows"]),
    "windows": (text().replace("\n", "\r\n"), ["160 rows", POINTS]),
    "old_mac": (text().replace("\n", "\r"), ["160 rows", POINTS]),
    "byte_order_mark": (text().encode("utf-8-sig"), ["encoding utf-8-sig"]),
    "utf_16": (text(";", comma).encode("utf-16"), ["separator ';', encoding utf-16", COMMAS]),
    "utf_16_of_the_other_end": (b"\xfe\xff" + text().encode("utf-16-be"), ["encoding utf-16"]),
    "latin_1": (
        each("{},{},{},été".format, HEADER[:-1] + ",saison\n").encode("latin-1"),
        ["encoding cp1252"],
    ),
    "excel": ("sep=;\r\n" + text(";", comma).replace("\n", "\r\n"), ["separator ';'", COMMAS]),
    "savetxt": (saved(header="run 7\nday rain flow"), ["from the comment '# day rain flow'"]),
    "savetxt_with_commas": (
        saved(header="day,rain,flow", delimiter=","),
        ["from the comment '# day,rain,flow'"],
    ),
    "pandas_index": (FRAME.to_csv(), ["separator ','"]),
    "row_names_of_r": (
        each(lambda *row: f'"{row[0] + 1}" {row[0]} {row[1]} {row[2]}', '"day" "rain" "flow"\n'),
        [],
    ),
    "inches_in_text": (each('{},{},{},5" pipe'.format, HEADER[:-1] + ",remark\n"), [POINTS]),
    "text_with_commas": (each('"Upper, left",{},{},{}'.format, "place," + HEADER), [POINTS]),
    "dates_beside": (each("01.02.2020 10:00;{};{};{}".format, "when;day;rain;flow\n"), ["separator ';'"]),
}


@pytest.fixture
def read(folder):
    """Write a file, and read its rows."""

    def read_rows(content, **config):
        (folder / "rows.csv").write_bytes(content.encode() if isinstance(content, str) else content)
        return read_data({"path": "rows.csv", "target": "flow", **config})

    return read_rows


@pytest.mark.parametrize("name", DIALECTS)
def test_all_dialects_give_the_same_numbers(read, name):
    content, told = DIALECTS[name]
    data = read(content, features=["day", "rain"])
    np.testing.assert_array_equal(data.X.to_numpy(), EXPECTED[:, :2])
    np.testing.assert_array_equal(data.y, EXPECTED[:, 2])
    assert data.X.columns == ["day", "rain"]
    report = "\n".join(data.notes)
    for part in told:
        assert part in report


def test_numbers_are_read_to_the_last_bit(read):
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-150, 150, 0.3)
    data = read("rain;flow\n" + "".join(f"{comma(value)};{value!r}\n" for value in values.tolist()))
    np.testing.assert_array_equal(data.X["rain"].to_numpy(), values)
    np.testing.assert_array_equal(data.y, values)


def test_whole_numbers_that_turn_decimal(read):
    data = read(each(lambda day, rain, flow: f"{day},{0 if day < 110 else rain},{flow}"), features=["rain"])
    np.testing.assert_array_equal(
        data.X["rain"].to_numpy(), np.where(EXPECTED[:, 0] < 110, 0, EXPECTED[:, 1])
    )


@pytest.mark.parametrize(("separator", "write"), [(",", str), (";", comma), (" ", str)])
def test_no_header(read, separator, write):
    data = read(text(separator, write, None), features=["column_1", "column_2"], target="column_3")
    np.testing.assert_array_equal(data.X.to_numpy(), EXPECTED[:, :2])
    np.testing.assert_array_equal(data.y, EXPECTED[:, 2])
    assert "no header: the columns are column_1 to column_3" in data.notes
    with pytest.raises(ConfigurationError, match=r"column 'flow', got \['column_1', .*; no header"):
        read(text(separator, write, None), features=["column_1"])


@pytest.mark.parametrize("first", ["1,NA,3\n", "1,,3\n", "NA,2,3,\n"])
def test_no_header_but_a_missing_value(read, first):
    content = first + "4,5,6\n7,8,9\n"
    data = read(content, features=["column_1", "column_2"], target="column_3", drop_missing=True)
    np.testing.assert_array_equal(data.X.to_numpy(), [[4, 5], [7, 8]])
    assert "1 of 3 rows left out" in data.notes[-1]


def test_numbers_may_be_names(read):
    data = read(",2019,2020\n0,1.5,2.5\n1,3.5,4.5\n", features=["2019"], target="2020")
    np.testing.assert_array_equal(np.column_stack([data.X, data.y]), [[1.5, 2.5], [3.5, 4.5]])


@pytest.mark.parametrize("content", [FRAME.to_csv(), FRAME.to_csv(sep=";"), DIALECTS["row_names_of_r"][0]])
def test_an_index_is_no_feature_unless_it_is_named(read, content):
    with pytest.raises(ConfigurationError, match=r'^features: .*features = \["day", "rain"\]'):
        read(content)
    data = read(content, features=["column_1"])
    assert set(np.diff(data.X["column_1"].to_numpy())) == {1}


def test_an_index_that_pandas_has_named(read):
    with pytest.raises(ConfigurationError, match="'Unnamed: 0' has no name in the file"):
        read(FRAME.to_csv().replace(",", "Unnamed: 0,", 1))


def test_a_column_that_counts_rows_is_told(read):
    assert "'day' counts the rows; if it is no feature, set features" in read(text()).notes
    with_gap = read(text().replace("\n7,0", "\n7,NA,0"), drop_missing=True)
    assert not any("counts" in note for note in read(text(), features=["day"]).notes)
    assert "'day' counts the rows; if it is no feature, set features" in with_gap.notes
    assert not any("counts" in note for note in read(each("{1},{0},{2}".format), target="rain").notes[:-1])


def test_keys_say_what_is_not_plain(read):
    content = "! a b\n" + text("^").replace("\n", "\n! c\n", 3) + "! e\n"
    data = read(content.encode("utf-16-le"), separator="^", comment="!", encoding="utf-16-le")
    np.testing.assert_array_equal(data.X.to_numpy(), EXPECTED[:, :2])
    assert "comment lines, those that begin with !: 5" in data.notes
    no_comments = read(each("#{},{},{}".format, "#day,rain,flow\n"), comment="", features=["rain"])
    assert len(no_comments.y) == 160


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("separator", ";;", "separator: expected one character"),
        ("separator", 1, "separator: expected a string, got 1"),
        ("decimal", ";", 'decimal: expected "." or ","'),
        ("encoding", "utf-9", "encoding: expected an encoding, .* got 'utf-9'"),
        (
            "encoding",
            "ascii",
            r"rows.csv cannot be read: expected text in ascii, .* set encoding in \[data\]",
        ),
        ("missing", {"rain": "x"}, "missing: expected a mark"),
        ("drop_missing", "yes", "drop_missing: expected true or false"),
    ],
)
def test_errors_of_keys(read, key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        read("# é\n" + text(), **{key: value})


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"path": "rows.npz"}, "drop_missing"),
        ({"path": "rows.parquet"}, "separator"),
        ({"dataset": "step"}, "missing"),
    ],
)
def test_keys_of_other_kinds_of_data(config, key):
    with pytest.raises(ConfigurationError, match=f"{key}: expected none for"):
        read_data({**config, key: ";"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("day,flow,flow\n1,2,3\n", r"got several \['flow'\]"),
        (HEADER, "cannot be read: expected rows, got none"),
        (
            each(lambda day, rain, flow: f"{day},{comma(rain)},{comma(flow)}"),
            "line 2, column 4: expected no more cells .* got '0' .* separator .* quotation marks",
        ),
        (
            "Station: 12\n\n" + text(),
            "line 3, column 2: expected no more cells .* got 'rain' .* comment",
        ),
        (
            each(lambda *row: "{} {} {}".format(*row) if row[0] != 130 else "130 4.5", "day rain flow\n"),
            r"line 132, column 3: expected a cell, got none \(1 of 160 rows\)",
        ),
        (text().replace("\n77,", '\n"77,'), "quotation marks .* odd number of them is 79"),
        (text().encode("utf-16-le"), 'zero bytes .* encoding in .* "utf-16-le"'),
    ],
)
def test_errors_of_files(read, content, message):
    with pytest.raises(ConfigurationError, match=f"path: rows.csv.*{message}"):
        read(content)


def test_rows_that_are_lost_are_missed(read, monkeypatch):
    """As some versions of Polars lose them."""
    read_csv = pl.read_csv
    monkeypatch.setattr(pl, "read_csv", lambda *args, **options: read_csv(*args, **options).head(62))
    with pytest.raises(ConfigurationError, match="expected 160 rows, got 62 by Polars"):
        read(DIALECTS["decimal_comma_in_quotes"][0])
