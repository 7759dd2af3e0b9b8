"""A plugin for pytest: the first example that fails is enough, so none is made smaller."""

from hypothesis import Phase, settings


def pytest_configure():
    """Load the profile once more, after tests/conftest.py has, without the phase that shrinks."""
    settings.register_profile(
        "judging", settings.get_profile("ci"), phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("judging")
