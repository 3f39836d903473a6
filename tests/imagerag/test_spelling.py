"""Words of any language, as they are compared."""

from imagerag.spelling import spelled, without_accents


def test_what_people_write_one_for_the_other_is_spelled_alike() -> None:
    assert spelled("Ёлка") == spelled("елка")
    assert spelled("Straße") == "strasse"
    assert spelled("أحمر") == spelled("احمر")
    assert spelled("l'Arc-en-ciel") == "l arc en ciel"
    assert spelled("İstanbul") == "istanbul"
    assert without_accents("árbol ñandú") == "arbol nandu"
