"""Settings from the environment, prefix AMENDS_. Wrong ones are refused by name."""

from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

STRIPE_API_VERSION = "2026-10-28.endive"


class Settings(BaseSettings):
    """Everything an operator can set. The names are a contract; see README."""

    model_config = SettingsConfigDict(env_prefix="AMENDS_", extra="ignore")

    database_url: str = ""
    stripe_secret_key: SecretStr = SecretStr("")
    stripe_api_base: str = "https://api.stripe.com"
    stripe_webhook_secret: SecretStr = SecretStr("")
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    smtp_url: str = ""
    mail_from: str = "billing@localhost"
    portal_url: str = "http://127.0.0.1:8700"
    backoffice_url: str = "http://127.0.0.1:8701"
    files_url: str = ""
    secret_key: SecretStr = SecretStr("")
    company_name: str = "Amends"
    country: str = "US"

    # Optional, with defaults that suit most.
    time_zone: str = "America/New_York"
    support_email: str = ""
    mail_authserv_id: str = Field("", description="Our mail gateway's name in its verdicts")
    secret_keys_before: SecretStr = Field(
        SecretStr(""), description="Earlier secret keys, by commas: their reply addresses hold"
    )
    terms_url: str = ""
    clamd_url: str = Field("", description="Virus scanner: tcp://host:3310 or unix:///path")
    data_dir: str = ""
    clock_file: str = ""
    go_live: str = Field("", description="Reconciliation starts here (ISO date)")
    oidc_second_factor: str = Field(
        "", description="What staff's sign-in must show in amr or acr, one of these, by commas: mfa"
    )
    customer_oidc_issuer: str = Field("", description="A provider customers may sign in through")
    customer_oidc_client_id: str = ""
    customer_oidc_client_secret: SecretStr = SecretStr("")
    customer_oidc_name: str = Field("your company account", description="On its button")
    audit_mail: str = Field("", description="Where the nightly anchor of the history is mailed")

    @model_validator(mode="after")
    def _refuse_dangerous(self) -> Self:
        live = self.has_live_key
        if live and not self.is_at_stripe:
            raise ValueError(
                "AMENDS_STRIPE_SECRET_KEY is a live key but AMENDS_STRIPE_API_BASE "
                "is not Stripe. Use a test key or remove the base address."
            )
        if live and self.clock_file:
            raise ValueError(
                "AMENDS_CLOCK_FILE moves the clock and is for the sandbox only. "
                "Remove it when the Stripe key is live."
            )
        return self

    @property
    def secret_keys(self) -> tuple[bytes, ...]:
        """The key that signs, then those that signed before it and still verify."""
        earlier = self.secret_keys_before.get_secret_value()
        return tuple(k.encode() for k in _listed(self.secret_key.get_secret_value(), earlier))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """While the endpoint's secret is exchanged, the new one and the old one."""
        return _listed(self.stripe_webhook_secret.get_secret_value())

    @property
    def is_at_stripe(self) -> bool:
        return self.stripe_api_base.rstrip("/") == "https://api.stripe.com"

    @property
    def second_factors(self) -> frozenset[str]:
        """Each, in `amr` or as `acr`, shows a second factor; none: the provider is trusted."""
        names = (name.strip() for name in self.oidc_second_factor.split(","))
        return frozenset(name for name in names if name)

    @property
    def customers_have_provider(self) -> bool:
        return bool(self.customer_oidc_issuer and self.customer_oidc_client_id)

    @property
    def has_live_key(self) -> bool:
        return self.stripe_secret_key.get_secret_value().startswith(("sk_live_", "rk_live_"))

    @property
    def support_address(self) -> str:
        return self.support_email or self.mail_from


def _listed(*texts: str) -> tuple[str, ...]:
    """What stands between the commas, each once."""
    parts = (part.strip() for text in texts for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


@cache
def load() -> Settings:
    """The process's settings, read once."""
    return Settings()


def project_root() -> Path:
    """Where templates/ and static/ stand: beside the code, and inside of it once installed."""
    package = Path(__file__).resolve().parent
    inside = package / "pages"
    return inside if inside.is_dir() else package.parent
