import pytest

from labkit import costs


def test_the_cost_names_its_sources_and_adds_up():
    cost = costs.hourly_cost_usd()
    assert cost.total == pytest.approx(0.0386, abs=0.001)
    assert all(item.source for item in cost.items)
    assert "estimate" in str(cost)
    assert "about 0.04 USD an hour" in cost._repr_html_()
