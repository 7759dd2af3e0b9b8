"""Adds to a wheel what pyproject.toml cannot: types of the single module `leadline`.

A type checker trusts an installed package that holds `py.typed`, which a module cannot hold; it
trusts a package of stubs beside it. The stub is the module's own source, so that nothing is
written twice.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStubs(build_py):
    """Build, then put `leadline.py` into `leadline-stubs` as its stub."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not self.editable_mode:  # a checkout has the module itself on the path
            stub = Path(self.build_lib) / "leadline-stubs" / "__init__.pyi"
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.write_bytes(Path("leadline.py").read_bytes())


setup(cmdclass={"build_py": BuildWithStubs})
