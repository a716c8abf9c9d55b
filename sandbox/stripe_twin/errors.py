"""Stripe's refusals: status, type, code and the recorded wording."""

from sandbox.stripe_twin.documents import Doc

_DOCS = "https://docs.stripe.com/error-codes/"


class ApiError(Exception):
    """An error answer. `stored` says whether the idempotency layer keeps it."""

    def __init__(self, status: int, error: Doc, headers: dict[str, str] | None = None) -> None:
        super().__init__(error.get("message", ""))
        self.status = status
        self.error = error
        self.headers = headers or {}
        self.stored = status not in (401, 429)


def invalid(
    message: str, *, param: str | None = None, code: str | None = None, status: int = 400
) -> ApiError:
    """invalid_request_error, with the keys in Stripe's order and only when they are set."""
    error: Doc = {}
    if code:
        error["code"] = code
        error["doc_url"] = _DOCS + code.replace("_", "-")
    error["message"] = message
    if param:
        error["param"] = param
    error["type"] = "invalid_request_error"
    return ApiError(status, error)


def unstored(error: ApiError) -> ApiError:
    """Refused before the endpoint began: the same key may be used again."""
    error.stored = False
    return error


def missing(kind: str, row_id: str, param: str) -> ApiError:
    return invalid(f"No such {kind}: '{row_id}'", param=param, code="resource_missing", status=404)


def unknown_parameters(names: list[str]) -> ApiError:
    plural = "s" if len(names) > 1 else ""
    return unstored(
        invalid(
            f"Received unknown parameter{plural}: {', '.join(names)}",
            param=names[0],
            code="parameter_unknown",
        )
    )


def required(name: str) -> ApiError:
    return unstored(
        invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")
    )


def not_one_of(name: str, allowed: tuple[str, ...]) -> ApiError:
    if len(allowed) > 2:
        choice = ", ".join(allowed[:-1]) + ", or " + allowed[-1]
    else:
        choice = " or ".join(allowed)
    return unstored(invalid(f"Invalid {name}: must be one of {choice}", param=name))


def not_an_integer(name: str, value: str) -> ApiError:
    return unstored(
        invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    )


def not_a(kind: str, name: str, value: str) -> ApiError:
    return unstored(invalid(f"Invalid {kind}: {value}", param=name))


def too_small(name: str, least: int) -> ApiError:
    return invalid(
        f"This value must be greater than or equal to {least}.",
        param=name,
        code="parameter_invalid_integer",
    )


def no_such_url(method: str, path: str) -> ApiError:
    return invalid(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
        "or we can help at https://support.stripe.com/.",
        status=404,
    )


def not_in_the_twin(method: str, path: str) -> ApiError:
    return ApiError(
        501,
        {
            "message": f"Stripe has {method} {path}, but this sandbox does not imitate it.",
            "type": "api_error",
        },
    )


def server_error() -> ApiError:
    return ApiError(
        500,
        {
            "message": "An unknown error occurred. If this problem persists, let us know.",
            "type": "api_error",
        },
    )


def no_key() -> ApiError:
    return ApiError(
        401,
        {
            "message": "You did not provide an API key. You need to provide your API key in the "
            "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
            "YOUR_SECRET_KEY').",
            "type": "invalid_request_error",
        },
    )


def wrong_key(key: str) -> ApiError:
    shown = key[:8] + "*" * max(0, len(key) - 12) + key[-4:] if len(key) > 12 else "****"
    return ApiError(
        401,
        {"message": f"Invalid API Key provided: {shown}", "type": "invalid_request_error"},
    )


def live_key() -> ApiError:
    return ApiError(
        401,
        {
            "message": "This is a sandbox and takes no live keys. No request was made to Stripe. "
            "Use a key that starts with sk_test_ or rk_test_.",
            "type": "invalid_request_error",
        },
    )


def forbidden(key: str, permission: str) -> ApiError:
    shown = key[:8] + "*" * 10 + key[-6:]
    return ApiError(
        403,
        {
            "message": f"The provided key '{shown}' does not have the required permissions for "
            f"this endpoint on account 'acct_1AmendsSandbox'. Having the '{permission}' "
            "permission would allow this request to continue.",
            "type": "invalid_request_error",
        },
    )


def rate_limited(reason: str = "endpoint-rate") -> ApiError:
    return ApiError(
        429,
        {
            "code": "rate_limit",
            "doc_url": _DOCS + "rate-limit",
            "message": "Request rate limit exceeded. You can learn more about rate limits here "
            "https://docs.stripe.com/rate-limits.",
            "type": "invalid_request_error",
        },
        {"stripe-rate-limited-reason": reason},
    )


def locked() -> ApiError:
    return ApiError(
        429,
        {
            "code": "lock_timeout",
            "doc_url": _DOCS + "lock-timeout",
            "message": "This object cannot be accessed right now because another API request or "
            "Stripe process is currently accessing it. If you see this error intermittently, "
            "retry the request. If you see this error frequently and are making multiple "
            "concurrent requests to a single object, make your requests serially or at a lower "
            "rate. For more details, see "
            "https://docs.stripe.com/rate-limits#object-lock-timeouts.",
            "type": "invalid_request_error",
        },
    )


def key_in_use(key: str) -> ApiError:
    return unstored(
        ApiError(
            409,
            {
                "code": "idempotency_key_in_use",
                "doc_url": _DOCS + "idempotency-key-in-use",
                "message": "There is currently another in-progress request using this Idempotent "
                "Key (that probably means you submitted twice, and the other request is still "
                f"going through): {key}. Please try again later.",
                "type": "idempotency_error",
            },
        )
    )


def key_reused(key: str) -> ApiError:
    return unstored(
        ApiError(
            400,
            {
                "message": "Keys for idempotent requests can only be used with the same "
                "parameters they were first used with. Try using a key other than "
                f"'{key}' if you meant to execute a different request.",
                "type": "idempotency_error",
            },
        )
    )


def key_too_long() -> ApiError:
    return unstored(invalid("Your Idempotency-Key is too long. It may have up to 255 characters."))
