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
    data_dir: str = ""
    clock_file: str = ""
    go_live: str = Field("", description="Reconciliation starts here (ISO date)")

    @model_validator(mode="after")
    def _refuse_dangerous(self) -> Self:
        key = self.stripe_secret_key.get_secret_value()
        live = key.startswith(("sk_live_", "rk_live_"))
        if live and not self.stripe_api_base.startswith("https://api.stripe.com"):
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
    def support_address(self) -> str:
        return self.support_email or self.mail_from


@cache
def load() -> Settings:
    """The process's settings, read once."""
    return Settings()


def project_root() -> Path:
    """Where templates/ and static/ stand."""
    return Path(__file__).resolve().parent.parent
