"""The house keeps its shape: direction of imports, the flight subset, records without holes.

Each rule is a function from source text to the breaches that it sees, so that every rule can
be shown to bite on a few lines that break it.
"""

import ast
import builtins
import importlib
import inspect
import pkgutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from fsw.framework.kernel_cache import ROOMS
from fsw.framework.record import REGISTRY, f64, record, u8

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {*ROOMS, "tests", ".ci"}
BANNED = set(
    "time datetime random os sys socket threading serial logging subprocess pathlib".split()
)
CLOCK_READERS = {"hil/platform/clock.py"}
COMPILER_SETUP = {"fsw/framework/kernel_cache.py"}


@cache
def sources():
    """Path relative to the root -> text, for every Python file in the rooms."""
    files = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {str(path.relative_to(ROOT)): path.read_text() for path in sorted(files)}


@cache
def registry():
    """All records, once every module that may declare one is imported."""
    for room in ("fsw", "sim", "hil"):
        for module in pkgutil.walk_packages([str(ROOT / room)], room + "."):
            importlib.import_module(module.name)
    return dict(REGISTRY)


def imports(path, text):
    """Dotted names that a file imports anywhere in it, relative ones resolved."""
    package = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
    if not path.endswith("__init__.py"):
        package = package[:-1]
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names.update(f"{stem}.{alias.name}".lstrip(".") for alias in node.names)
            names.add(stem)
    return {name for name in names if name}


# --- rooms -------------------------------------------------------------------------------


def upward_imports(path, text):
    room = path.split("/")[0]
    allowed = ROOMS[: ROOMS.index(room) + 1]
    heads = {name.split(".")[0] for name in imports(path, text)}
    return sorted(head for head in heads & {*ROOMS, "tests"} if head not in allowed)


def banned_imports(path, text):
    heads = {name.split(".")[0] for name in imports(path, text)}
    if path.startswith("fsw/") and path not in COMPILER_SETUP:
        return sorted(heads & BANNED)
    return sorted(heads & {"time", "datetime"}) if path not in CLOCK_READERS else []


def test_rooms_import_only_what_stands_left_of_them():
    assert {p: b for p, t in sources().items() if (b := upward_imports(p, t))} == {}


def test_flight_knows_no_machine_and_only_one_file_reads_a_clock():
    assert {p: b for p, t in sources().items() if (b := banned_imports(p, t))} == {}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fsw/a.py", "import sim.plant.world"),
        ("fsw/a.py", "from sim import world"),
        ("fsw/a.py", "from ..sim import world"),
        ("fsw/__init__.py", "from ..hil import link"),
        ("sim/a.py", "def f():\n    from hil import link"),
        ("hil/boards/a.py", "from ...tools import cli"),
        ("sim/a.py", "import tests.strategies"),
    ],
)
def test_an_upward_import_is_seen(path, text):
    assert upward_imports(path, text)


def test_a_neighbouring_import_is_no_breach():
    assert (
        upward_imports("sim/a.py", "from . import b\nfrom .b import c\nimport fsw.mathlib.vectors")
        == []
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("fsw/a.py", "import os.path"),
        ("fsw/a.py", "from pathlib import Path"),
        ("sim/a.py", "from time import monotonic_ns"),
        ("tools/a.py", "import datetime"),
    ],
)
def test_a_banned_import_is_seen(path, text):
    assert banned_imports(path, text)


def test_no_folder_stands_beside_the_rooms():
    listed = subprocess.run(
        ["git", "ls-files", "--cached"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {line.split("/")[0] for line in listed.stdout.splitlines() if "/" in line}
    assert folders <= TOP_LEVEL


def test_readme_lists_every_room():
    text = (ROOT / "README.md").read_text()
    assert [room for room in (*ROOMS, "tests") if f"| `{room}/`" not in text] == []


# --- records -----------------------------------------------------------------------------


def test_no_record_has_padding():
    for declared in registry().values():
        end = 0
        for name in declared.dtype.names:
            base, offset = declared.dtype.fields[name][:2]
            assert offset == end, f"{declared.name}.{name}"
            end = offset + base.itemsize
        assert end == declared.dtype.itemsize, declared.name


@pytest.mark.parametrize(
    "fields",
    [{"a": u8("byte"), "b": f64("eight bytes")}, {"b": f64("eight bytes"), "a": u8("byte")}],
)
def test_a_record_with_padding_is_refused(fields):
    with pytest.raises(ValueError, match="padding"):
        record("Holed", "A record with a hole.", **fields)
    assert "Holed" not in REGISTRY


def test_every_record_and_field_says_what_it_is():
    silent = [declared.name for declared in registry().values() if not declared.doc.strip()]
    for declared in registry().values():
        silent += [
            f"{declared.name}.{key}"
            for key, field in declared.fields.items()
            if not field.doc.strip()
        ]
    assert silent == []


def test_defaults_lie_in_their_own_range():
    wrong = []
    for declared in registry().values():
        for path, field, _ in declared.leaves():
            values = field.default if isinstance(field.default, tuple) else (field.default,)
            if field.lo > -float("inf") and not all(field.lo <= v <= field.hi for v in values):
                wrong.append(f"{declared.name}.{path}")
    assert wrong == []


# --- the flight subset -------------------------------------------------------------------
# What can be seen in a syntax tree. What cannot, the interpreted-equals-compiled tests catch.

BANNED_NODES = {
    ast.Try: "try",
    ast.Raise: "raise",
    ast.Assert: "assert",
    ast.With: "with",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.Lambda: "lambda",
    ast.ListComp: "comprehension",
    ast.SetComp: "comprehension",
    ast.DictComp: "comprehension",
    ast.GeneratorExp: "comprehension",
    ast.JoinedStr: "f-string",
    ast.Global: "global",
    ast.Nonlocal: "nonlocal",
    ast.Import: "import",
    ast.ImportFrom: "import",
    ast.List: "list",
    ast.Dict: "dict",
    ast.Set: "set",
    ast.Delete: "del",
    ast.Starred: "star",
    ast.Slice: "slice",
    ast.NamedExpr: "walrus",
    ast.ClassDef: "class",
    ast.Pow: "**",
    ast.MatMult: "@",
}
ALLOWED_BUILTINS = {"abs", "float", "int", "len", "max", "min", "range"}
ALLOWED_FROM_OUTSIDE = {"math.sqrt", "numpy.uint64", "numpy.int64"}
FLOAT_UNITS = tuple("_m _mps _mps2 _radps _rad _deg _degps _s _kg _N _Nm _Pa _Hz _km _kgm2".split())
NARROW = {"f32", "i32", "i16", "i8", "u32", "u16", "u8"}
CONVERTERS = {"to_int"}


@cache
def field_types():
    """Field name -> the set of types that it has in all records."""
    types = {}
    for declared in registry().values():
        for key, field in declared.fields.items():
            types.setdefault(key, set()).add("record" if field.record else field.type)
    return types


def module_names(tree):
    """What module-level names stand for: imported origin, or the assigned value's node."""
    names = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            names.update({(a.asname or a.name): a.name for a in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names})
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names[target.id] = node.value
    return names


def is_kernel(node):
    return isinstance(node, ast.FunctionDef) and any(
        isinstance(mark, ast.Name) and mark.id == "kernel" for mark in node.decorator_list
    )


def kernels(tree):
    return [node for node in ast.walk(tree) if is_kernel(node)]


def breaches(text):
    """Every breach of the flight subset in the kernels of a module: `line: what`."""
    tree = ast.parse(text)
    names = module_names(tree)
    found = []
    for function in kernels(tree):
        found += [f"{node.lineno}: {what}" for node, what in _breaches_in(function, names)]
    return found


def _breaches_in(function, names):
    local = {arg.arg for arg in function.args.args}
    local |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and _stores(n)}
    floats = _float_names(function)
    body = function.body[1:] if ast.get_docstring(function) else function.body
    if function.args.vararg or function.args.kwarg or function.args.defaults:
        yield function, "parameters are positional, without defaults"
    for node in (n for statement in body for n in ast.walk(statement)):
        for check in (_node_rule, _name_rule, _call_rule, _store_rule, _arithmetic_rule):
            for what in check(node, function, names, local, floats):
                yield (node if hasattr(node, "lineno") else function), what


def _stores(node):
    return isinstance(node.ctx, ast.Store)


def _node_rule(node, function, names, local, floats):
    if type(node) in BANNED_NODES:
        yield BANNED_NODES[type(node)]
    if isinstance(node, ast.FunctionDef):
        yield "function inside a kernel"
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes, complex)):
        yield "string"
    if isinstance(node, ast.For) and not (
        isinstance(node.iter, ast.Call) and _callee(node.iter) == "range"
    ):
        yield "for over something else than range"
    if isinstance(node, ast.While) and not _has_counter(node, floats):
        yield "while without a counter that bounds it"


def _has_counter(loop, floats):
    """True when the test compares a whole number that the body changes."""
    assigned = {n.id for n in ast.walk(loop) if isinstance(n, ast.Name) and _stores(n)}
    compared = [node for node in ast.walk(loop.test) if isinstance(node, ast.Compare)]
    return any(
        isinstance(compare.left, ast.Name)
        and compare.left.id in assigned
        and not any(_looks_float(n, floats) for n in (compare.left, *compare.comparators))
        and isinstance(compare.ops[0], (ast.Lt, ast.Gt, ast.LtE, ast.GtE))
        for compare in compared
    )


def _origin(node, names, local):
    """Where a name or dotted name comes from, outside of this module."""
    if isinstance(node, ast.Attribute):
        head = _origin(node.value, names, local)
        return f"{head}.{node.attr}" if head else None
    if isinstance(node, ast.Name) and node.id not in local:
        origin = names.get(node.id)
        return origin if isinstance(origin, str) else None
    return None


def _name_rule(node, function, names, local, floats):
    if isinstance(node, ast.Name) and node.id not in local:
        if isinstance(names.get(node.id), (ast.List, ast.Dict, ast.Set)):
            yield f"changeable global {node.id}"
    if isinstance(node, (ast.Name, ast.Attribute)):
        origin = _origin(node, names, local)
        if origin is None or origin.split(".")[0] in ROOMS or origin in ALLOWED_FROM_OUTSIDE:
            return
        if "." in origin:  # the bare module is judged by the attribute taken from it
            yield f"{origin} is not of the flight subset"


def _callee(node):
    return node.func.id if isinstance(node.func, ast.Name) else None


def _call_rule(node, function, names, local, floats):
    if not isinstance(node, ast.Call):
        return
    callee = _callee(node)
    if node.keywords:
        yield "keyword argument"
    if callee == function.name:
        yield "recursion"
    if callee in names or callee in local:
        return
    if callee is not None and hasattr(builtins, callee) and callee not in ALLOWED_BUILTINS:
        yield f"call of {callee}"
    if callee is None and _origin(node.func, names, local) is None:
        yield "call of a method"
    if callee == "int" and function.name not in CONVERTERS:
        if _looks_float(node.args[0], floats):
            yield "float to integer outside to_int"


def _store_rule(node, function, names, local, floats):
    if isinstance(node, (ast.Attribute, ast.Subscript)) and _stores(node):
        base = node
        while isinstance(base, (ast.Attribute, ast.Subscript)):
            base = base.value
        if isinstance(base, ast.Name) and base.id not in local:
            yield f"writes to the global {base.id}"


def _float_names(function):
    """Local names bound to something that looks like a float, to a fixed point."""
    floats = {a.arg for a in function.args.args if a.arg.endswith(FLOAT_UNITS)}
    while True:
        before = len(floats)
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and _looks_float(node.value, floats):
                floats |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        if len(floats) == before:
            return floats


def _looks_float(node, floats):
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Div):
            return True
        return _looks_float(node.left, floats) or _looks_float(node.right, floats)
    if isinstance(node, ast.UnaryOp):
        return _looks_float(node.operand, floats)
    if isinstance(node, ast.Call):
        if _callee(node) in {"abs", "max", "min"}:
            return any(_looks_float(a, floats) for a in node.args)
        return _callee(node) in {"float", "sqrt", "exp", "log", "atan2"}
    if isinstance(node, ast.Name):
        return node.id in floats
    return _field_types_of(node) <= {"f64", "f32"} and bool(_field_types_of(node))


def _field_types_of(node):
    """Types that a load of a record's field may have; nothing when it is no such load."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return field_types().get(node.attr, set()) if isinstance(node, ast.Attribute) else set()


def _is_narrow(node, kinds):
    types = _field_types_of(node)
    return bool(types) and types <= kinds


def _arithmetic_rule(node, function, names, local, floats):
    if isinstance(node, ast.BinOp):
        operands, op = [node.left, node.right], node.op
    elif isinstance(node, ast.AugAssign):
        operands, op = [node.target, node.value], node.op
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        operands, op = [node.operand], node.op
    elif isinstance(node, ast.Compare):
        operands, op = [node.left, *node.comparators], None
    elif isinstance(node, ast.Call) and _callee(node) in {"abs", "max", "min", "sqrt"}:
        operands, op = node.args, None
    else:
        return
    if isinstance(op, (ast.Mod, ast.FloorDiv)) and any(_looks_float(o, floats) for o in operands):
        yield "// or % on a float"
    if op is not None and any(_is_boolean(o) for o in operands):
        yield "arithmetic on a boolean"
    kinds = {"f32"} if op is None else NARROW
    if any(_is_narrow(o, kinds) for o in operands):
        yield "narrow field not widened on load"


def _is_boolean(node):
    return isinstance(node, (ast.Compare, ast.BoolOp)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def test_every_kernel_keeps_to_the_flight_subset():
    assert {p: b for p, t in sources().items() if (b := breaches(t))} == {}


BAD_LINES = [
    "return x ** 2",
    "x **= 2",
    "return x // 2.0",
    "return float(n) % 3",
    "y = x / 3\n    return y % 2",
    "return height_m % n",
    "return (x > 1.0) + 1",
    "return -(not n)",
    "try:\n        return x\n    except ValueError:\n        return 0.0",
    "raise ValueError",
    "assert x > 0.0",
    "with x:\n        return x",
    "yield x",
    "return (lambda a: a)(x)",
    "return sum([a for a in b])",
    "return sum(b)",
    "return round(x)",
    "return pow(x, 2)",
    "print(x)",
    "return f'{x}'",
    "y = 'text'",
    "global TABLE",
    "import math",
    "y = [x, x]",
    "y = {n: x}",
    "y = {n}",
    "b[:] = x",
    "return b[1:]",
    "del b[0]",
    "while x > 1.0:\n        x = x / 2.0",
    "while True:\n        n = n + 1",
    "while n < 4:\n        x = x / 2.0",
    "for y in b:\n        x = x + y",
    "return math.floor(x)",
    "return sin(x)",
    "return np.dot(b, b)",
    "return b.sum()",
    "return int(x / 2.0)",
    "return int(height_m)",
    "return f(x, n, b, height_m)",
    "TABLE[0] = x",
    "return TABLE[n]",
    "def g():\n        return 1",
    "return sample.narrow_m[0] * 2.0",
    "return max(sample.narrow_m[1], 2.0)",
    "return sample.narrow_m[2] > 2.0",
    "sample.small = sample.small + 1",
    "x = g(a=x)",
]
FIELDS = {"narrow_m": {"f32"}, "small": {"u16"}, "rows": {"f64"}, "seq": {"u16"}}
HEAD = "import math\nimport numpy as np\nfrom math import sin, sqrt\nTABLE = [1]\n"


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_breach_of_the_flight_subset_is_seen(line, monkeypatch):
    monkeypatch.setitem(globals(), "field_types", lambda: FIELDS)
    assert breaches(f"{HEAD}\n@kernel\ndef f(x, n, b, height_m):\n    {line}\n")


def test_the_subset_itself_is_no_breach(monkeypatch):
    monkeypatch.setitem(globals(), "field_types", lambda: FIELDS)
    text = '''
from numpy import uint64
LIMITS = (1.0, 2.0)

@kernel
def f(state, x, n):
    """Docstring."""
    for i in range(4):
        state.rows[i % n] = float(state.narrow_m) + sqrt(abs(x)) * LIMITS[n]
    while i > 0 and float(state.narrow_m) > x:
        i = i - 1
    state.small = int(state.small) + 1
    h = uint64(n) * uint64(3)
    if not x > 1.0 and state.seq != 3:
        return (x, -x)
    return (max(x, 0.0), x / 2.0)
'''
    assert breaches(HEAD + text) == []


def call_cycles(texts):
    """Kernels that reach themselves through their callees, over all modules."""
    calls = {}
    for path, text in texts.items():
        module = path.removesuffix(".py").replace("/", ".")
        tree = ast.parse(text)
        names = module_names(tree)
        for function in kernels(tree):
            callees = {_callee(n) for n in ast.walk(function) if isinstance(n, ast.Call)}
            calls[f"{module}.{function.name}"] = {
                names[c] if isinstance(names.get(c), str) else f"{module}.{c}" for c in callees if c
            }
    return sorted(name for name in calls if name in _reached(calls, name))


def _reached(calls, start):
    seen, waiting = set(), [start]
    while waiting:
        for callee in calls.get(waiting.pop(), ()):
            if callee not in seen:
                seen.add(callee)
                waiting.append(callee)
    return seen


def test_no_kernel_calls_itself_by_way_of_others():
    assert call_cycles(sources()) == []


def test_a_cycle_of_calls_is_seen():
    one = "from fsw.b import g\n@kernel\ndef f(x):\n    return g(x)\n"
    two = "from fsw.a import f\n@kernel\ndef g(x):\n    return f(x)\n"
    assert call_cycles({"fsw/a.py": one, "fsw/b.py": two}) == ["fsw.a.f", "fsw.b.g"]


# --- arguments of kernels ----------------------------------------------------------------

MOST_ARGUMENTS = 6
ROOMS_WITH_SHORT_ARGUMENTS = ROOMS


def long_argument_lists(text):
    """Kernels with more arguments than six, as `line: name`."""
    return [
        f"{function.lineno}: {function.name} takes {len(function.args.args)}"
        for function in kernels(ast.parse(text))
        if len(function.args.args) > MOST_ARGUMENTS
    ]


def written_out_of_order(text):
    """Kernels that write a record they take, but not their first argument, as `line: name`.

    Seen are stores to fields and elements, also through a local name for a part of an argument.
    What is the first argument of a callee counts as written by it.
    """
    found = []
    for function in kernels(ast.parse(text)):
        arguments = [argument.arg for argument in function.args.args]
        written, handed_on = _written_arguments(function, arguments)
        if written and arguments[0] not in written | handed_on:
            found.append(f"{function.lineno}: {function.name} writes {', '.join(sorted(written))}")
    return found


def _written_arguments(function, arguments):
    """Arguments whose fields or elements a kernel stores to, and those that it hands on first."""
    root = {name: name for name in arguments}
    written, handed_on = set(), set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, (ast.Attribute, ast.Subscript)):
            for target in node.targets:
                if isinstance(target, ast.Name) and _base(node.value) in root:
                    root[target.id] = root[_base(node.value)]
    for node in ast.walk(function):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and _stores(node):
            written.add(root.get(_base(node)))
        if isinstance(node, ast.Call) and node.args and _callee(node) not in ALLOWED_BUILTINS:
            handed_on.add(root.get(_base(node.args[0])))
    return written - {None}, handed_on - {None}


def _base(node):
    """Name that an attribute or element is taken from."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def breaches_of_arguments(rule, rooms):
    checked = {p: t for p, t in sources().items() if p.split("/")[0] in rooms}
    return {path: found for path, text in checked.items() if (found := rule(text))}


@pytest.mark.parametrize("rule", [long_argument_lists, written_out_of_order])
def test_a_kernel_takes_at_most_six_arguments_and_writes_the_first(rule):
    assert breaches_of_arguments(rule, ROOMS_WITH_SHORT_ARGUMENTS) == {}


def test_a_seventh_argument_is_seen():
    assert long_argument_lists("@kernel\ndef f(a, b, c, d, e, g, h): ...")
    assert not long_argument_lists("@kernel\ndef f(a, b, c, d, e, g): ...")
    assert not long_argument_lists("def f(a, b, c, d, e, g, h): ...")


@pytest.mark.parametrize(
    "line",
    [
        "b.x = 1",
        "b[0] = a.x",
        "b.x += 1",
        "part = b.inner\n    part.x = 1",
        "part = b[2]\n    inner = part.y\n    inner[0] = 1",
    ],
)
def test_a_write_to_another_argument_than_the_first_is_seen(line):
    assert written_out_of_order(f"@kernel\ndef f(a, b):\n    {line}")
    assert not written_out_of_order(f"@kernel\ndef f(b, a):\n    {line}")
    assert not written_out_of_order(f"@kernel\ndef f(a, b):\n    a.x = 1\n    {line}")


# --- annotations -------------------------------------------------------------------------


def unannotated(text):
    """Public functions of a module, kernels aside, that leave a type open."""
    found = []
    for node in ast.parse(text).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in members:
            if not isinstance(function, ast.FunctionDef) or is_kernel(function):
                continue
            arguments = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            open_types = [
                a for a in arguments if a.annotation is None and a.arg not in ("self", "cls")
            ]
            if not function.name.startswith("_") and (open_types or function.returns is None):
                found.append(f"{function.lineno}: {function.name}")
    return found


def test_public_functions_are_annotated():
    assert {p: b for p, t in sources().items() if (b := unannotated(t))} == {}


def test_an_open_type_is_seen():
    assert unannotated("def f(x) -> int: ...") and unannotated("def f(x: int): ...")
    assert not unannotated("@kernel\ndef f(x): ...\ndef _g(x): ...\ndef h(x: int) -> int: ...")


def test_the_list_of_rooms_is_the_one_that_the_kernels_know():
    assert inspect.getmodule(record).__name__.split(".")[0] == ROOMS[0]
    assert set(ROOMS) <= {path.name for path in ROOT.iterdir() if path.is_dir()}
