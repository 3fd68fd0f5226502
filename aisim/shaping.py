"""JSON that fits a schema: what the field's name asks for where it fits, else the simplest that does.

Of JSON Schema it knows what providers accept: types, enums, constants, `anyOf`, `oneOf`, `allOf`, `$ref`,
required and optional properties, lengths, bounds and formats; not `pattern`.
"""

import math

from aisim.digest import Digest
from aisim.wire import Body, mapping, sequence

_DEEP = 8
"""From this depth on only what is required is made, so that schemas that contain themselves end."""

_FORMATS = {
    "date-time": "2026-01-15T15:00:00Z",
    "date": "2026-01-15",
    "time": "15:00:00Z",
    "duration": "P1D",
    "email": "cliente@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
}


def shape(schema: Body, digest: Digest, *, optional: bool = True) -> object:
    """A value for the schema; without `optional` only properties that are required or have a known meaning."""
    return _Shaper(schema, digest, optional=optional).value(schema, "", 0)


class _Shaper:
    def __init__(self, root: Body, digest: Digest, *, optional: bool) -> None:
        self._root = root
        self._digest = digest
        self._optional = optional

    def value(self, schema: Body, name: str, depth: int) -> object:
        schema = self._resolve(schema, depth)
        if "const" in schema:
            return schema["const"]
        wanted = self._digest.find(name) if name else None
        if choices := sequence(schema.get("enum")):
            return self._choose(choices, wanted)
        match _type_of(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, wanted, depth)
            case "integer":
                return int(_number(schema, wanted, whole=True))
            case "number":
                return _number(schema, wanted, whole=False)
            case "boolean":
                return wanted if isinstance(wanted, bool) else False
            case "null":
                return None
            case _:
                return _string(schema, wanted)

    def _resolve(self, schema: Body, depth: int) -> Body:
        """Follow references and alternatives until a plain schema is left."""
        for _ in range(20):
            if isinstance(target := schema.get("$ref"), str):
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = rest | _at(self._root, target)
            elif parts := sequence(schema.get("allOf")):
                schema = {key: value for key, value in schema.items() if key != "allOf"}
                for part in parts:
                    schema = _merged(schema, self._resolve(mapping(part), depth))
            elif options := sequence(schema.get("anyOf")) or sequence(schema.get("oneOf")):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                kinds = [mapping(option) for option in options]
                empty = [kind for kind in kinds if kind.get("type") == "null"]
                full = [kind for kind in kinds if kind.get("type") != "null"]
                chosen = empty if empty and (depth >= _DEEP or not full) else full
                schema = _merged(rest, chosen[0])
            else:
                return schema
        return schema

    def _object(self, schema: Body, depth: int) -> Body:
        required = sequence(schema.get("required"))
        made: Body = {}
        for name, inner in mapping(schema.get("properties")).items():
            known = self._optional or self._digest.find(name) is not None
            if name in required or (known and depth < _DEEP):
                made[name] = self.value(mapping(inner), name, depth + 1)
        for key in required:
            if isinstance(key, str) and key not in made:
                made[key] = self._digest.find(key) or ""
        return made

    def _array(self, schema: Body, name: str, wanted: object, depth: int) -> list[object]:
        items = mapping(schema.get("items"))
        least, most = _int(schema.get("minItems"), 0), _int(schema.get("maxItems"), 5)
        if depth >= _DEEP:
            return [self.value(items, name, depth + 1) for _ in range(least)]
        resolved = self._resolve(items, depth)
        is_free = _type_of(resolved) == "string" and not {"enum", "const"} & resolved.keys()
        if isinstance(wanted, list) and is_free:
            made: list[object] = [_string(resolved, one) for one in wanted]
        elif choices := sequence(resolved.get("enum")):
            said = [one for one in choices if isinstance(one, str) and self._digest.mentions(one)]
            made = list(said) or choices[:1]
        else:
            made = [self.value(items, name, depth + 1)] if least or _type_of(resolved) == "object" else []
        while len(made) < least:
            made.append(made[-1] if made else self.value(items, name, depth + 1))
        return made[:most]

    def _choose(self, choices: list[object], wanted: object) -> object:
        wishes = wanted if isinstance(wanted, list) else [wanted]
        for wish in wishes:
            for choice in choices:
                if str(choice).lower() == str(wish).lower():
                    return choice
        for choice in choices:
            if isinstance(choice, str) and self._digest.mentions(choice):
                return choice
        return choices[0]


def _type_of(schema: Body) -> str:
    kinds = schema.get("type")
    if isinstance(kinds, list):
        kinds = next((kind for kind in kinds if kind != "null"), "null")
    if isinstance(kinds, str):
        return kinds
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _string(schema: Body, wanted: object) -> str:
    text = _FORMATS.get(str(schema.get("format"))) or (
        ". ".join(str(one) for one in wanted) if isinstance(wanted, list) else str(wanted or "")
    )
    least, most = _int(schema.get("minLength"), 0), schema.get("maxLength")
    if isinstance(most, int):
        text = text[:most]
    return text.ljust(least, "…") if text else "-" * least


def _number(schema: Body, wanted: object, *, whole: bool) -> float | int:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    step = schema.get("multipleOf", 1 if whole else None)
    value = float(wanted) if isinstance(wanted, int | float) and not isinstance(wanted, bool) else 0.0
    nudge = float(step) if isinstance(step, int | float) else 0.001
    low = max(_float(least, -math.inf), _float(above, -math.inf) + nudge)
    high = min(_float(most, math.inf), _float(below, math.inf) - nudge)
    value = min(max(value, low), high)
    if isinstance(step, int | float) and step > 0:
        # Upwards first: what is asked for at least must not be missed by rounding.
        value = (
            math.ceil(value / step) * step if math.ceil(value / step) * step <= high else value // step * step
        )
    return int(value) if whole else value


def _float(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) else default


def _int(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _at(root: Body, pointer: str) -> Body:
    """What a reference inside the schema points at (RFC 6901)."""
    found: object = root
    for key in pointer.removeprefix("#").split("/")[1:]:
        found = mapping(found).get(key.replace("~1", "/").replace("~0", "~"))
    return mapping(found)


def _merged(one: Body, other: Body) -> Body:
    merged = one | other
    for key in ("properties", "$defs"):
        if key in one and key in other:
            merged[key] = mapping(one[key]) | mapping(other[key])
    if "required" in one and "required" in other:
        merged["required"] = [*sequence(one["required"]), *sequence(other["required"])]
    return merged
