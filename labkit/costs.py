"""What the lab costs on AWS while it stands: an estimate."""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CostItem:
    """A thing that costs while it exists: what, since which page, and where the price is from."""

    what: str
    usd_per_hour: float
    source: str
    begins_with: str = "01_deploy"


@dataclass(frozen=True, slots=True, repr=False)
class Cost:
    """What the lab costs on AWS for each hour it is up: an estimate, from list prices."""

    items: tuple[CostItem, ...]

    @property
    def total(self) -> float:
        return sum(item.usd_per_hour for item in self.items)

    def total_until(self, page: str) -> float:
        """Return what an hour costs once this page has been run, and none after it."""
        return sum(item.usd_per_hour for item in self.items if item.begins_with <= page)

    def __str__(self) -> str:
        lines = [
            f"{item.usd_per_hour:7.4f}  from {item.begins_with} on: {item.what} ({item.source})"
            for item in self.items
        ]
        return "\n".join([self._sentence, *lines])

    __repr__ = __str__

    @property
    def _sentence(self) -> str:
        totals = []
        for page in dict.fromkeys(item.begins_with for item in self.items):
            so_far = self.total_until(page)
            totals.append(f"about {so_far:.2f} USD an hour from {page} on")
        return f"{', '.join(totals)} (an estimate, us-east-1)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:right'>{item.usd_per_hour:.4f}</td>"
            f"<td style='text-align:left'>{html.escape(item.what)}</td>"
            f"<td style='text-align:left'>{html.escape(item.begins_with)}</td>"
            f"<td style='text-align:left'>{html.escape(item.source)}</td></tr>"
            for item in self.items
        )
        heads = "".join(
            f"<th style='text-align:left'>{head}</th>"
            for head in ("USD an hour", "what", "from", "price by")
        )
        return f"<table><tr>{heads}</tr>{rows}</table><p><b>{self._sentence}</b></p>"


def hourly_cost_usd() -> Cost:
    """Return an estimate of what the lab costs an hour in us-east-1.

    That is the stack of cfn/lab.yaml and, from 06 on, that of cfn/second-subnet.yaml.
    AWS's own price pages are the truth: aws.amazon.com/ec2/pricing/on-demand,
    aws.amazon.com/privatelink/pricing, aws.amazon.com/ebs/pricing.
    """
    notes = "list price as noted by third parties in 2026"
    gb_month_to_hour = 1 / 730
    return Cost(
        (
            CostItem("2 instances t4g.micro", 2 * 2 * 0.0042, f"{notes}, twice t4g.nano's"),
            CostItem("2 interface endpoints in one zone", 2 * 0.01, f"{notes}; begun hours count"),
            CostItem("2 volumes gp3 of 8 GB", 16 * 0.08 * gb_month_to_hour, notes),
            CostItem(
                "1 more instance t4g.micro and its volume",
                2 * 0.0042 + 8 * 0.08 * gb_month_to_hour,
                notes,
                begins_with="06_accept_and_reject",
            ),
        )
    )
