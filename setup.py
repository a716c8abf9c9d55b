"""Puts the pages into a built package; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_BESIDE = ("templates", "static")


class WithPages(build_py):
    """In a checkout `templates/` and `static/` stand beside the code, in a wheel inside of it."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for path in sorted(each for name in _BESIDE for each in Path(name).rglob("*")):
            if path.is_file():
                target = Path(self.build_lib, "amends", "pages", path)
                self.mkpath(str(target.parent))
                self.copy_file(str(path), str(target))


setup(cmdclass={"build_py": WithPages})
