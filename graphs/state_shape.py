"""Whether what a checkpoint holds has the shape of the thread's state: a damaged file, or somebody else's, may not."""

from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from imagerag.graphs.state import Limits, Spent, State

Check = Callable[[Any], bool]

_OURS = "all_images"
"""Channel that the state of every thread has, and that no other graph's has that keeps its threads in the same file."""
_MAY_LACK = (Limits, Spent)
"""What has got keys over time, so that threads of earlier versions lack some."""


def fault_in_state(values: Mapping[str, Any]) -> str:
    """Return which channels of a thread hold something else than they should; empty where none does.

    Types alone are looked at, and the keys of records: which words a ``Literal`` has may change with versions.
    """
    if _OURS not in values:
        return ""
    wrong = [name for name, check in _checks().items() if name in values and not check(values[name])]
    return f"{', '.join(wrong)} can't be what a thread holds" if wrong else ""


@cache
def _checks() -> Mapping[str, Check]:
    return {name: _check(hint) for name, hint in get_type_hints(State, include_extras=True).items()}


def _check(hint: Any) -> Check:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: True
    if origin in (Annotated, NotRequired, Required):
        return _check(arguments[0])
    if origin in (Union, UnionType):
        checks = [_check(one) for one in arguments]
        return lambda value: any(check(value) for check in checks)
    if origin is Literal:
        types = tuple({type(one) for one in arguments})
        return lambda value: isinstance(value, types)
    if origin is list:
        of_element = _check(arguments[0])
        return lambda value: isinstance(value, list) and all(map(of_element, value))
    if origin is dict:
        of_key, of_value = map(_check, arguments)
        return lambda value: (
            isinstance(value, dict) and all(of_key(key) and of_value(one) for key, one in value.items())
        )
    if is_typeddict(hint):
        return _check_record(hint)
    kind: Any = origin or {None: NoneType, float: (float, int)}.get(hint, hint)
    return lambda value: isinstance(value, kind)


def _check_record(hint: Any) -> Check:
    fields = {name: _check(one) for name, one in get_type_hints(hint, include_extras=True).items()}
    required = frozenset() if hint in _MAY_LACK else hint.__required_keys__

    def check(value: Any) -> bool:
        return (
            isinstance(value, dict)
            and required <= value.keys()
            and all(of_field(value[name]) for name, of_field in fields.items() if name in value)
        )

    return check
