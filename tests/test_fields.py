"""The table of fields, and log formats.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import pytest

from labkit.errors import RecordFormatError
from labkit.fields import BY_NAME, DEFAULT_FIELDS, DEFAULT_FORMAT, FIELDS, column, parse_format


@pytest.mark.parametrize(
    ("version", "count"),
    [(2, 14), (3, 21), (4, 25), (5, 29), (7, 39), (8, 40), (9, 41), (10, 42), (11, 54)],
)
def test_fields_up_to_a_version(version, count):
    assert len([field for field in FIELDS if field.version <= version]) == count


def test_names_are_unique_and_ordered_by_version():
    assert len(BY_NAME) == len(FIELDS)
    assert [field.version for field in FIELDS] == sorted(field.version for field in FIELDS)


def test_default_format_is_the_one_of_the_user_guide():
    assert DEFAULT_FORMAT == (
        "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
        "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
    )
    assert parse_format(DEFAULT_FORMAT) == DEFAULT_FIELDS


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("version", "int32"),
        ("srcport", "int32"),
        ("packets", "int64"),
        ("start", "int64"),
        ("tcp-flags", "int32"),
        ("traffic-path", "int32"),
        ("encryption-status", "int32"),
        ("reject-reason", "string"),
    ],
)
def test_types_are_those_of_parquet_files(name, dtype):
    assert BY_NAME[name].dtype == dtype


def test_only_three_fields_beyond_version_2_are_numbers():
    numbers = {field.name for field in FIELDS if field.version > 2 and field.dtype != "string"}
    assert numbers == {"tcp-flags", "traffic-path", "encryption-status"}


def test_every_field_has_a_meaning_of_one_sentence():
    assert all(field.meaning.endswith(".") and len(field.meaning) > 10 for field in FIELDS)


def test_columns_are_the_names_with_underscores():
    assert BY_NAME["pkt-src-aws-service"].column == "pkt_src_aws_service"
    assert column("a-field-of-tomorrow") == "a_field_of_tomorrow"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("${srcaddr}", ("srcaddr",), id="one field is enough"),
        pytest.param("${end} ${start}", ("end", "start"), id="any order"),
        pytest.param("${end}   ${start} ", ("end", "start"), id="runs of spaces"),
        pytest.param("${new-field-2}", ("new-field-2",), id="a field we do not know"),
    ],
)
def test_parse_format(text, names):
    assert parse_format(text) == names


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("   ", id="only spaces"),
        pytest.param("srcaddr", id="no braces"),
        pytest.param("${srcaddr", id="a brace is missing"),
        pytest.param("${srcaddr}${dstaddr}", id="no space between"),
        pytest.param("${}", id="an empty name"),
        pytest.param("${src addr}", id="a space in a name"),
    ],
)
def test_a_malformed_format_is_refused(text):
    with pytest.raises(RecordFormatError):
        parse_format(text)
