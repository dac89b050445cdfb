"""The Rules section: what the parameters of a stack must be, taken together.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import ValidationError, format_error

RULE_ATTRIBUTES = frozenset({"Assertions", "RuleCondition"})
ASSERTION_ATTRIBUTES = frozenset({"Assert", "AssertDescription"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What rule functions look at.

    Attributes:
        values: parameters and pseudo parameters by name.
        types: the type of each parameter.
        every: all that there are of a type of AWS's own, such as AWS::EC2::VPC::Id.
        attribute: what a thing of such a type has under a name, such as Tags.Department.
    """

    values: Mapping[str, Any]
    types: Mapping[str, str]
    every: Callable[[str], list[str]]
    attribute: Callable[[str, str, str], str]


def check_rules(template: Template) -> None:
    """Refuse rules that are none, or that use what rules cannot.

    Raises:
        ValidationError: their shape is wrong, or a function is none of theirs.
    """
    for name, rule in template.rules.items():
        if not isinstance(rule, dict) or not isinstance(rule.get("Assertions"), list):
            raise format_error(f"Rule {name} must contain a list of Assertions.")
        if rule.keys() - RULE_ATTRIBUTES:
            unknown = sorted(rule.keys() - RULE_ATTRIBUTES)
            raise format_error(f"Rule {name} has unknown members: [{', '.join(unknown)}]")
        for assertion in rule["Assertions"]:
            if not isinstance(assertion, dict) or "Assert" not in assertion:
                raise format_error(f"Every assertion of rule {name} must contain an Assert.")
            if assertion.keys() - ASSERTION_ATTRIBUTES:
                raise format_error(f"An assertion of rule {name} has unknown members.")
            _check_functions(template, assertion["Assert"])
        _check_functions(template, rule.get("RuleCondition", []))


def _check_functions(template: Template, value: Any) -> None:
    for name, argument in _calls(value):
        if name not in _FUNCTIONS:
            raise format_error(f"The function {name} cannot be used in Rules.")
        takes, wanted = _TAKES[name]
        if not takes(argument):
            raise format_error(f"In Rules, {name} requires {wanted}.")
        known = template.parameters.keys()
        if name == "Ref" and argument not in known and not argument.startswith("AWS::"):
            raise format_error(
                f"Unresolved dependencies [{argument}]. Cannot reference resources in the Rules "
                "block of the template"
            )
        if name == "Fn::ValueOf" and argument[0] not in known:
            raise format_error(f"Unresolved dependencies [{argument[0]}] in the Rules block")


def _calls(value: Any) -> list[tuple[str, Any]]:
    """Return all functions in a value with their arguments."""
    if isinstance(value, list):
        return [call for item in value for call in _calls(item)]
    if not isinstance(value, dict):
        return []
    own = [(name, inner) for name, inner in value.items()]
    if len(own) != 1:
        raise format_error("Rules take functions, texts and lists only.")
    return own + _calls(own[0][1])


def assert_rules(template: Template, facts: Facts) -> None:
    """Refuse parameters that break a rule.

    Raises:
        ValidationError: naming the rule and what its assertion says of itself.
    """
    broken = [
        f"Rule {name}: {assertion.get('AssertDescription', 'an assertion does not hold')}"
        for name, rule in template.rules.items()
        if "RuleCondition" not in rule or _true(rule["RuleCondition"], facts)
        for assertion in rule["Assertions"]
        if not _true(assertion["Assert"], facts)
    ]
    if broken:
        raise ValidationError(f"Template error: {'; '.join(broken)}")


def _true(value: Any, facts: Facts) -> bool:
    yielded = str(_value(value, facts)).lower()
    if yielded not in {"true", "false"}:
        raise format_error("Rules must be functions that yield true or false.")
    return yielded == "true"


def _value(value: Any, facts: Facts) -> Any:
    if isinstance(value, list):
        return [_value(item, facts) for item in value]
    if isinstance(value, dict):
        name, argument = next(iter(value.items()))
        return _FUNCTIONS[name](argument, facts)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _items(value: Any, facts: Facts) -> list[Any]:
    resolved = _value(value, facts)
    return resolved if isinstance(resolved, list) else [resolved]


def _each_in(argument: list[Any], facts: Facts) -> bool:
    allowed = _items(argument[1], facts)
    return all(item in allowed for item in _items(argument[0], facts))


def _each_equals(argument: list[Any], facts: Facts) -> bool:
    wanted = _value(argument[1], facts)
    return all(item == wanted for item in _items(argument[0], facts))


def _value_of(argument: list[str], facts: Facts) -> Any:
    name, attribute = argument
    kind, value = facts.types[name].removeprefix("List<").removesuffix(">"), facts.values[name]
    if isinstance(value, list):
        return [facts.attribute(kind, item, attribute) for item in value]
    return facts.attribute(kind, value, attribute)


def _value_of_all(argument: list[str], facts: Facts) -> list[str]:
    kind, attribute = argument
    return [facts.attribute(kind, item, attribute) for item in facts.every(kind)]


def _ref(argument: str, facts: Facts) -> Any:
    return facts.values.get(argument, "")


_FUNCTIONS: dict[str, Callable[[Any, Facts], Any]] = {
    "Fn::And": lambda argument, facts: all([_true(item, facts) for item in argument]),
    "Fn::Contains": lambda argument, facts: (
        _value(argument[1], facts) in _items(argument[0], facts)
    ),
    "Fn::EachMemberEquals": _each_equals,
    "Fn::EachMemberIn": _each_in,
    "Fn::Equals": lambda argument, facts: _value(argument[0], facts) == _value(argument[1], facts),
    "Fn::Not": lambda argument, facts: not _true(argument[0], facts),
    "Fn::Or": lambda argument, facts: any([_true(item, facts) for item in argument]),
    "Fn::RefAll": lambda argument, facts: facts.every(argument),
    "Fn::ValueOf": _value_of,
    "Fn::ValueOfAll": _value_of_all,
    "Ref": _ref,
}


def _is_list_of(least: int, most: int) -> Callable[[Any], bool]:
    return lambda argument: isinstance(argument, list) and least <= len(argument) <= most


def _is_two_texts(argument: Any) -> bool:
    return _is_list_of(2, 2)(argument) and all(isinstance(item, str) for item in argument)


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str)


_PAIR = (_is_list_of(2, 2), "a list of 2")
_SEVERAL = (_is_list_of(2, 10), "a list of at least 2 and at most 10 conditions")
_NAMES = (_is_two_texts, "a name and an attribute")
_TAKES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Fn::And": _SEVERAL,
    "Fn::Contains": _PAIR,
    "Fn::EachMemberEquals": _PAIR,
    "Fn::EachMemberIn": _PAIR,
    "Fn::Equals": _PAIR,
    "Fn::Not": (_is_list_of(1, 1), "a list of 1"),
    "Fn::Or": _SEVERAL,
    "Fn::RefAll": (_is_text, "a parameter type"),
    "Fn::ValueOf": _NAMES,
    "Fn::ValueOfAll": _NAMES,
    "Ref": (_is_text, "a name"),
}
