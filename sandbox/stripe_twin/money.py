"""Currencies: how many decimals, the smallest charge, and how Stripe writes an amount."""

ZERO_DECIMAL = frozenset({
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd",
    "vuv", "xaf", "xof", "xpf",
})  # fmt: skip
THREE_DECIMAL = frozenset({
    "bhd", "jod", "kwd", "omr", "tnd",
})  # fmt: skip

# docs: currencies, "Minimum and maximum charge amounts".
MINIMUM = {
    "usd": 50, "aed": 200, "aud": 50, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
    "eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000,
    "myr": 200, "nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}  # fmt: skip

_SIGNS = {
    "usd": "$", "aud": "A$", "cad": "CA$", "eur": "€", "gbp": "£", "jpy": "¥", "inr": "₹",
    "brl": "R$", "mxn": "MX$", "nzd": "NZ$", "hkd": "HK$", "krw": "₩",
}  # fmt: skip

_OTHERS = frozenset({
    "ars", "bgn", "cop", "crc", "dop", "egp", "ils", "isk", "kes", "mad", "ngn", "pen",
    "php", "sar", "try", "twd", "uah", "uyu", "zar",
})  # fmt: skip
SUPPORTED = frozenset(MINIMUM) | ZERO_DECIMAL | THREE_DECIMAL | _OTHERS


def decimals(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def minimum(currency: str) -> int:
    return MINIMUM.get(currency, 1 if currency in ZERO_DECIMAL else 50)


def text(amount_minor: int, currency: str) -> str:
    """As Stripe's error messages write it: $70.00, ¥5000, 12.500 KWD."""
    places = decimals(currency)
    major, minor = divmod(abs(amount_minor), 10**places)
    number = f"{major:,}" + (f".{minor:0{places}d}" if places else "")
    sign = "-" if amount_minor < 0 else ""
    mark = _SIGNS.get(currency)
    return f"{sign}{mark}{number}" if mark else f"{sign}{number} {currency.upper()}"


def fee(amount_minor: int, currency: str) -> int:
    """2.9% plus 30 minor units (a thirtieth of that in zero-decimal currencies)."""
    fixed = 30 if currency not in ZERO_DECIMAL else 40
    return (amount_minor * 29 + 500) // 1000 + fixed
