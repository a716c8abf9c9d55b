"""The back office: agents prove, managers approve. Handlers read, ask the domain, and answer."""
