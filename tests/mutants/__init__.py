"""Tests of the tests: deliberate breaks, each of which one named test must notice.

    python -m tests.mutants             # flies and judges those whose last result is stale
    python -m tests.mutants --all       # every one of them
    python -m tests.mutants NAME ...    # these only

A mutant is a small change of one source line, made in a copy of the tree with compiled kernels
of its own. It must compile and fly the nominal descent, well or badly, and then fail its test by
an assertion. The last results stand in result.toml, each with a hash of what it was found with;
tests/test_mutants.py fails while one is missing, stale, or tells of a survivor.
"""
