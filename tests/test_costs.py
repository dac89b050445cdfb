import pytest

from labkit import costs, second_subnet, stacks


def test_the_cost_names_its_sources_and_adds_up():
    cost = costs.hourly_cost_usd()
    assert cost.total_until("01_deploy") == pytest.approx(0.0386, abs=0.001)
    assert cost.total == pytest.approx(0.0479, abs=0.001)
    assert all(item.source for item in cost.items)
    assert "estimate" in str(cost)
    for text in (str(cost), cost._repr_html_()):
        assert "about 0.04 USD an hour from 01_deploy on" in text
        assert "about 0.05 USD an hour from 06_accept_and_reject on" in text


def test_what_costs_is_what_the_templates_make():
    """Each thing with a price per hour is told of, and begins with the page that makes it."""
    made = {"01_deploy": stacks.TEMPLATE, "06_accept_and_reject": second_subnet.TEMPLATE}
    for page, template in made.items():
        text = template.read_text(encoding="utf-8")
        told = " ".join(
            one.what for one in costs.hourly_cost_usd().items if one.begins_with == page
        )
        for type_, word in (("EC2::Instance", "instance"), ("EC2::VPCEndpoint", "endpoint")):
            assert (f"Type: AWS::{type_}\n" in text) == (word in told)
