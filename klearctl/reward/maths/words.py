"""Words in answers: units and their kinds, words that join answers, words that change a number. Lower case."""

import re

_CIRCULAR = "sin cos tan cot sec csc arcsin arccos arctan"
_OTHER = "sinh cosh tanh ln log exp"
CALLED = frozenset([*_CIRCULAR.split(), *_OTHER.split()])
FUNCTIONS = CALLED | {"sqrt"}
JOINING = frozenset({"or", "and"})
SIGNED = {
    **dict.fromkeys(["percent", "percentage", "pct"], r"\%"),
    **dict.fromkeys(["degree", "degrees", "deg"], r"\degree"),
}
WORDS = JOINING | {"no", "per"} | set(SIGNED)
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_UNITS = {
    "cm": "centimeter centimeters centimetre centimetres cms",
    "mm": "millimeter millimeters millimetre millimetres",
    "km": "kilometer kilometers kilometre kilometres kms",
    "m": "meter meters metre metres",
    "in": "inch inches",
    "ft": "foot feet",
    "yd": "yard yards yds",
    "mi": "mile miles",
    "s": "second seconds sec secs",
    "min": "minute minutes mins",
    "h": "hour hours hr hrs",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years yr yrs",
    "g": "gram grams",
    "kg": "kilogram kilograms kgs",
    "lb": "pound pounds lbs",
    "oz": "ounce ounces",
    "l": "liter liters litre litres",
    "ml": "milliliter milliliters millilitre millilitres",
    "gal": "gallon gallons",
    "dollar": "dollars usd bucks",
    "cent": "cents",
    "radian": "radians rad",
    "km/h": "kph kmh",
    "mi/h": "mph",
}
_KNOWN = {alias: unit for unit, aliases in _UNITS.items() for alias in (unit, *aliases.split())}
_POWERS = {"square": 2, "squared": 2, "sq": 2, "cubic": 3, "cubed": 3}
_JOINS = "or and not no nor to than by of between either neither both is are if unless"
_RECKONS = "times plus minus over half quarter double twice base mod modulo factorial negative choose more less pairs"
_CHANGES_IT = frozenset([*_JOINS.split(), *_RECKONS.split(), *SCALES])


def known_unit(word: str) -> bool:
    """Whether it names a unit."""
    return word in _KNOWN


def unit(said: str) -> str | None:
    """The one name of what follows a number; None where it is no unit but changes what the number says."""
    power, parts = 1, []
    for word in re.sub("[.()]", " ", said.lower()).split():
        if word in _POWERS:
            power = _POWERS[word]
        elif word in _CHANGES_IT or not word.replace("/", "").replace("-", "").replace("'", "").isalpha():
            return None
        else:
            parts.append("per" if word == "/" else _KNOWN.get(word, word))
    if not parts or len(parts) > 5:
        return None
    name = " ".join(parts).replace(" per ", "/")
    return f"{name}^{power}" if power > 1 else name


def units_differ(one: str | None, other: str | None) -> bool:
    """Whether both are units that we know, and not the same."""
    return one != other and one is not None and other is not None and _measures(one) and _measures(other)


def _measures(name: str) -> bool:
    return all(part in _KNOWN or part == "degree" for part in name.partition("^")[0].split("/"))
