"""What licences are called elsewhere, what they allow, and which a run draws with."""

import pytest

from imagerag.errors import UserError
from imagerag.licences import (
    ALL_RIGHTS_RESERVED,
    FAMILIES,
    PUBLIC_DOMAIN,
    UNKNOWN,
    LicencePolicy,
    licence_link,
    normalised,
    terms_of,
)

NAMES = [
    ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
    ("cc-by-sa-4.0", "CC-BY-SA-4.0"),
    ("CC BY 2.0", "CC-BY-2.0"),
    ("CC BY-SA 3.0 de", "CC-BY-SA-3.0-DE"),
    ("CC BY-SA 3.0 igo", "CC-BY-SA-3.0-IGO"),
    ("CC BY-NC-ND 2.5", "CC-BY-NC-ND-2.5"),
    ("cc-by-nc", "CC-BY-NC"),
    ("by-nc-sa", "CC-BY-NC-SA"),
    ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
    ("Creative Commons Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
    ("Creative Commons Attribution-NonCommercial 4.0 International License", "CC-BY-NC-4.0"),
    ("Attribution-NonCommercial-NoDerivs 2.0 Generic", "CC-BY-NC-ND-2.0"),
    ("CC0", "CC0-1.0"),
    ("cc0-1.0", "CC0-1.0"),
    ("CC0 1.0 Universal", "CC0-1.0"),
    ("CC Zero", "CC0-1.0"),
    ("pdm", "CC-PDM-1.0"),
    ("Public Domain Mark 1.0", "CC-PDM-1.0"),
    ("Public domain", PUBLIC_DOMAIN),
    ("PD-old-70", PUBLIC_DOMAIN),
    ("pd", PUBLIC_DOMAIN),
    ("Apache-2.0", "Apache-2.0"),
    ("GFDL 1.2", UNKNOWN),
    ("GFDL", "GFDL-1.2"),
    ("MIT", "MIT"),
    ("sampling+", "CC-Sampling+-1.0"),
    ("All rights reserved", ALL_RIGHTS_RESERVED),
    ("https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("http://creativecommons.org/licenses/by-nc-sa/3.0/us/", "CC-BY-NC-SA-3.0-US"),
    ("https://creativecommons.org/licenses/by-sa/4.0/deed.en", "CC-BY-SA-4.0"),
    ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
    ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
    ("http://rightsstatements.org/vocab/InC/1.0/", ALL_RIGHTS_RESERVED),
    ("http://rightsstatements.org/vocab/InC-EDU/1.0/", ALL_RIGHTS_RESERVED),
    ("http://rightsstatements.org/vocab/NoC-NC/1.0/", UNKNOWN),
    ("", UNKNOWN),
    ("?", UNKNOWN),
    ("unknown", UNKNOWN),
    ("royalty free", UNKNOWN),
    ("free to use", UNKNOWN),
    ("CC", UNKNOWN),
    ("CC BY-XX 4.0", UNKNOWN),
    ("by-xx", UNKNOWN),
    ("CC BY de", UNKNOWN),
    ("by-nc-nx", UNKNOWN),
    ("Creative Commons", UNKNOWN),
    ("https://creativecommons.org/", UNKNOWN),
    ("https://creativecommons.org.example.com/licenses/by/4.0/", UNKNOWN),
    ("https://example.com/?x=https://creativecommons.org/licenses/by/4.0/", UNKNOWN),
    ("not CC BY 4.0", UNKNOWN),
    ("CC BY 4.0 for personal use only", UNKNOWN),
    ("publicdomainvectors", UNKNOWN),
    ("0", UNKNOWN),
    ("zero", UNKNOWN),
    ("CC-Zero", "CC0-1.0"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
    ("Public Domain Dedication (CC0)", "CC0-1.0"),
    ("Public Domain Mark 1.0 Universal", "CC-PDM-1.0"),
    ("pd-old-100", PUBLIC_DOMAIN),
    ("PD-US-expired", PUBLIC_DOMAIN),
    ("Public domain (PD-old-70)", PUBLIC_DOMAIN),
    ("Public domain in the United States", PUBLIC_DOMAIN),
    ("Public domain status unknown", UNKNOWN),
    ("public domain - not for commercial use", UNKNOWN),
    ("Public domain in the United States, CC BY-NC 4.0 elsewhere", UNKNOWN),
    ("pd or not", UNKNOWN),
    ("cc-by-sa-3.0,2.5,2.0,1.0", "CC-BY-SA-3.0"),
    ("CC BY-SA 4.0,3.0,2.5,2.0,1.0", "CC-BY-SA-4.0"),
    ("CC BY-SA 2.5-2.0-1.0", "CC-BY-SA-2.5"),
    ("CC BY 2.1 jp", "CC-BY-2.1-JP"),
    ("CC BY 1.5", UNKNOWN),
    ("https://creativecommons.org/licenses/by-sa/2.1/jp/", "CC-BY-SA-2.1-JP"),
    ("https://creativecommons.org/licenses/by/3.0/us/deed.en", "CC-BY-3.0-US"),
    ("https://creativecommons.org/licenses/by-sa/4.0/deed.zh-hans", "CC-BY-SA-4.0"),
    ("//creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
    ("creativecommons.org/licenses/by-nc/4.0", "CC-BY-NC-4.0"),
    ("example.org/creativecommons.org/licenses/by/4.0", UNKNOWN),
    ("Attribution-ShareAlike 4.0 International (CC BY-SA 4.0)", "CC-BY-SA-4.0"),
    ("Attribution (CC BY 3.0)", UNKNOWN),
    ("Attribution 4.0 International (CC BY-NC 4.0)", UNKNOWN),
    ("Attribution", UNKNOWN),
]


@pytest.mark.parametrize(("name", "identifier"), NAMES, ids=[repr(name) for name, _ in NAMES])
def test_what_a_licence_is_called(name: str, identifier: str) -> None:
    assert normalised(name) == identifier


def test_a_version_told_apart_is_taken_over() -> None:
    assert normalised("by-nc", "2.0") == "CC-BY-NC-2.0"
    assert normalised("cc0", "1.0") == "CC0-1.0"
    assert normalised("by", "a hundred") == "CC-BY"


def test_the_address_tells_more_and_one_that_contradicts_the_name_leaves_it_unknown() -> None:
    assert normalised("by", link="https://creativecommons.org/licenses/by/3.0/") == "CC-BY-3.0"
    assert normalised("", link="https://creativecommons.org/licenses/by/3.0/") == "CC-BY-3.0"
    assert normalised("CC BY 4.0", link="https://example.com/terms") == "CC-BY-4.0"
    assert normalised("CC BY 4.0", link="https://creativecommons.org/licenses/by-nc/4.0/") == UNKNOWN


def test_identifiers_stay_what_they_are() -> None:
    for _, identifier in NAMES:
        assert normalised(identifier) == identifier
        if "CC-BY" in identifier and identifier[-1].isdigit():
            assert normalised(licence_link(identifier)) == identifier


def test_what_only_looks_like_an_identifier_allows_nothing() -> None:
    assert [terms_of(name) for name in ("CC-BY-NX", "CC-BY-XYZ", "CC-BY-9.0", "CC-BY-1.5", "CC-BY-SA-DE")] == [None] * 5


def test_what_licences_allow() -> None:
    by, closed = terms_of("CC-BY-4.0"), terms_of("CC-BY-NC-ND-4.0")
    assert by is not None
    assert closed is not None
    assert (by.commercial, by.derivatives, by.attribution, by.share_alike) == (True, True, True, False)
    assert (closed.commercial, closed.derivatives) == (False, False)
    assert terms_of("CC-BY-SA-3.0-DE").share_alike  # type: ignore[union-attr]
    assert terms_of(UNKNOWN) is None
    assert closed.demands > by.demands > terms_of("CC0-1.0").demands  # type: ignore[union-attr]


OPEN = ("CC0-1.0", "CC-PDM-1.0", PUBLIC_DOMAIN, "CC-BY-2.0", "CC-BY-SA-4.0", "CC-BY", "Apache-2.0", "MIT")
SHUT = ("CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA", "CC-BY-NC-ND-2.0", ALL_RIGHTS_RESERVED, UNKNOWN, "", "odd")


def test_without_a_word_those_are_taken_that_allow_changes_and_commercial_use() -> None:
    policy = LicencePolicy()
    assert [one for one in (*OPEN, *SHUT) if policy.allows(one)] == list(OPEN)
    assert list(policy.codes()) == ["cc0", "pdm", "by", "by-sa"]


def test_those_named_alone_are_taken() -> None:
    policy = LicencePolicy(("cc0", "by", "by-sa"))
    assert [one for one in (*OPEN, *SHUT) if policy.allows(one)] == ["CC0-1.0", "CC-BY-2.0", "CC-BY-SA-4.0", "CC-BY"]
    assert list(policy.codes()) == ["cc0", "by", "by-sa"]
    assert LicencePolicy(("by-nc",)).allows("CC-BY-NC-4.0")
    assert not LicencePolicy(("by-nc",)).allows("CC-BY-4.0")
    assert LicencePolicy(("CC-BY-4.0",)).allows("CC-BY-4.0")
    assert not LicencePolicy(("CC-BY-4.0",)).allows("CC-BY-3.0")
    assert list(LicencePolicy(("CC-BY-3.0",)).codes()) == ["by"]
    assert [one for one in SHUT if LicencePolicy(("cc0", "unknown")).allows(one)] == [UNKNOWN, "", "odd"]
    assert all(LicencePolicy(("any",)).allows(one) for one in (*OPEN, *SHUT))
    assert list(LicencePolicy(("any",)).codes()) == []


def test_ones_own_needs_none_but_one_that_was_recorded_counts() -> None:
    policy = LicencePolicy()
    assert policy.allows_own(UNKNOWN)
    assert policy.allows_own("our house's own")
    assert policy.allows_own("CC BY 4.0")
    assert not policy.allows_own("CC BY-NC 4.0")
    assert not policy.allows_own("All rights reserved")
    assert LicencePolicy(("by-nc",)).allows_own("cc-by-nc-4.0")


def test_names_are_taken_as_people_write_them() -> None:
    names = ("CC0", "cc-by", "CC BY-SA", "cc-by-nc-4.0", "Public Domain", "apache-2.0", "By", "public-domain", "by")
    assert LicencePolicy(names).names == (
        "cc0", "by", "by-sa", "CC-BY-NC-4.0", "public-domain", "Apache-2.0",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["by-sb", "CC", "", "free", "CC-BY-9.0", "by;by-sa"])
def test_what_is_no_licence_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is none that is known; give --licences some of: cc0, pdm"):
        LicencePolicy((name,))


def test_every_family_is_a_licence() -> None:
    assert all(terms_of(normalised(name, "4.0")) for name in FAMILIES)
