"""The sandbox's mail server and its readable mailbox."""

from sandbox.mailbox.compose import Inbox
from sandbox.mailbox.desk import Desk
from sandbox.mailbox.faults import Faults
from sandbox.mailbox.message import Attachment, Mail
from sandbox.mailbox.pages import create_app
from sandbox.mailbox.server import Server
from sandbox.mailbox.store import Mailbox

__all__ = ["Attachment", "Desk", "Faults", "Inbox", "Mail", "Mailbox", "Server", "create_app"]
