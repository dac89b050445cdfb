from labkit.emulator import table


def test_the_table_of_operations_is_current():
    readme = table.README.read_text()
    assert table.updated(readme) == readme, "run python -m labkit.emulator.table"


def test_refusals_with_a_hint_are_not_told_as_ours():
    assert "RollbackStack," not in table.table()
