import pytest

from labkit.emulator.paging import page
from labkit.emulator.refusal import ServiceError


def test_pages_follow_one_another():
    first, token = page("abcde", 2, None)
    second, token = page("abcde", 2, token)
    third, last = page("abcde", 2, token)
    assert (first, second, third, last) == (["a", "b"], ["c", "d"], ["e"], None)


def test_without_a_limit_there_is_one_page():
    assert page("abc", None, None) == (["a", "b", "c"], None)


@pytest.mark.parametrize("token", ["x", "AAAA", "!", "b2Zmc2V0"])
def test_a_token_that_is_none(token):
    with pytest.raises(ServiceError) as refusal:
        page("abc", 2, token)
    assert refusal.value.code == "InvalidNextToken"
