"""Reading what a server asks of programs."""

import pytest

from imagerag.net.robots import RobotsRules

WIKIMEDIA = """\ufeff# robots.txt for a wiki
User-agent: MJ12bot
Disallow: /

User-agent: *
Disallow: /w/
Allow: /w/api.php?action=mobileview&
Allow: /w/load.php?
Disallow: /wiki/Special:
Disallow: /wiki/Spezial%3A
"""


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://h/", True),
        ("https://h", True),
        ("https://h/w/api.php?action=query", False),
        ("https://h/w/api.php?action=mobileview&page=Owl", True),
        ("https://h/wiki/Owl", True),
        ("https://h/wiki/Special:Search", False),
        ("https://h/wiki/Spezial:Suche", True),
        ("https://h/wiki/Spezial%3aSuche", False),
        ("https://h/robots.txt", True),
    ],
)
def test_the_longest_rule_counts_wherever_it_stands(address: str, allowed: bool) -> None:
    assert RobotsRules.of(WIKIMEDIA, "imagerag").allow(address) is allowed


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("/*?*q=*", "/search?a=1&q=owl", "/search"),
        ("/*.png$", "/a/b.png", "/a/b.png?size=1"),
        ("/a*b*c", "/a-b-c-d", "/a-c-b"),
        ("/a$", "/a", "/ab"),
        ("/*a$", "/ba", "/ab"),
        ("/a*a$", "/aa", "/a"),
        ("/ü", "/%C3%BC", "/u"),
        ("/%7Ejoe", "/~joe/x", "/joe"),
        ("*", "/anything", ""),
    ],
)
def test_patterns(pattern: str, fits: str, does_not: str) -> None:
    rules = RobotsRules.of(f"User-agent: *\nDisallow: {pattern}", "imagerag")
    assert not rules.allow(f"https://h{fits}")
    assert not does_not or rules.allow(f"https://h{does_not}")


def test_a_group_that_names_the_program_counts_alone_and_all_such_groups_count() -> None:
    text = """
    User-agent: *
    Disallow: /
    user-agent: Other
    User-Agent: ImageRAG/0.1 (whatever)
    Disallow: /private  # here
    Sitemap: https://h/map
    Disallow:
    User-agent: imagerag
    Allow: /private/open
    Disallow: /more
    """
    rules = RobotsRules.of(text, "imagerag")
    assert rules.named
    assert [rules.allow(f"https://h{path}") for path in ("/", "/private", "/private/open", "/more")] == [
        True, False, True, False,
    ]  # fmt: skip
    other = RobotsRules.of(text, "other")
    assert not other.allow("https://h/private")
    assert other.allow("https://h/more")
    assert not RobotsRules.of(text, "third").allow("https://h/more")
    assert RobotsRules.of("User-agent: imagerag\nUser-agent: *\nDisallow: /x", "imagerag").named


@pytest.mark.parametrize("text", ["", "<p>no such page</p>", '{"detail": "Not found."}', "Disallow: /", "\0" * 9])
def test_what_is_no_rule_means_nothing(text: str) -> None:
    assert RobotsRules.of(text, "imagerag").allow("https://h/w/api.php")


def test_of_two_rules_as_long_the_one_that_allows_counts() -> None:
    assert RobotsRules.of("User-agent: *\nDisallow: /a\nAllow: /a", "imagerag").allow("https://h/a")
