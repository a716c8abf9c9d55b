"""The sandbox's OpenID provider: who the staff are, and how they sign in and out."""

from sandbox.identity.app import create_app
from sandbox.identity.faults import BadCase, Faults
from sandbox.identity.people import PEOPLE, Person
from sandbox.identity.provider import Provider

__all__ = ["PEOPLE", "BadCase", "Faults", "Person", "Provider", "create_app"]
