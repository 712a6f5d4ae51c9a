"""All that a kernel is priced by, as pairs that can be compared one by one. What they mean is the service's."""

from typing import Any, Dict, Iterator, List, Sequence, Tuple

#: What a kernel has to do: paths of members with their numbers or texts, in the order of paths.
Work = Tuple[Tuple[Any, Any], ...]


def flat(workloads: Sequence[Dict[str, Any]]) -> Work:
    """The workloads of a kernel as pairs of a path and a number or text, in the paths' order."""
    return tuple(sorted(_paths(list(workloads), ())))


def unflattened(work: Work) -> List[Any]:
    """The workloads that :func:`flat` made pairs of."""
    root: Dict[Any, Any] = {}
    for path, value in work:
        *inner, last = path
        place = root
        for step in inner:
            place = place.setdefault(step, {})
        place[last] = value
    return _lists(root)


def _paths(value: Any, path: Tuple[Any, ...]) -> Iterator[Tuple[Any, Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value)
    for key, member in members:
        if isinstance(member, (dict, list)):
            yield from _paths(member, (*path, key))
        else:
            yield (*path, key), member


def _lists(value: Any) -> Any:
    """Objects whose keys are numbers are lists."""
    if not isinstance(value, dict):
        return value
    if all(isinstance(key, int) for key in value):
        return [_lists(value[key]) for key in sorted(value)]
    return {key: _lists(member) for key, member in value.items()}
