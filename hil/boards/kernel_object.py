"""Kernels into an object file: `python -m hil.boards.kernel_object PAYLOAD FILE board|host`.

Numba compiles each entry for the record's type, in LLVM's intermediate language and with every
kernel that it calls; what is tied to the host is taken off it, and LLVM compiles the rest for the
target. It runs as a process of its own, since compiling for a board wants settings that hold for
a whole process: no vectors, no particular host, and nothing out of a cache, whose kernels come
without their source.

An object for the host is for tests of the C code on this machine.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.boards.payload import ENTRIES, Payload
from hil.platform.process import own_path

TRIPLE = "thumbv7em-none-eabi"
LAYOUT = "e-m:e-p:32:32-Fi8-i64:64-v128:64:128-a:0:32-n32-S64"
CPU, FEATURES = "cortex-m4", "+vfp4d16sp"
SETTINGS = {
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_LOOP_VECTORIZE": "0",
    "NUMBA_SLP_VECTORIZE": "0",
    "LEADLINE_INTERPRET": "0",
}

# An array in a record owns no memory: counting its references is counting nothing.
REFERENCE_COUNTS = re.compile(r"\n *(tail )?call void @NRT_(in|de)cref\([^\n]*")
HOST_ATTRIBUTES = re.compile(r'"target-(cpu|features)"="[^"]*"')
DOOR_PREFIX = "payload_"


def payload_named(name: str) -> Payload:
    """One of the payloads that there are. Raises KeyError for another name."""
    from hil.boards.flight_payload import FLIGHT_PAYLOAD
    from hil.boards.sensor_payload import SENSORS_PAYLOAD

    return {payload.name: payload for payload in (FLIGHT_PAYLOAD, SENSORS_PAYLOAD)}[name]


def compile_object(payload: Payload, for_host: bool = False) -> bytes:
    """The object file with the payload's entries, named payload_start and so on."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module: Any = None
    for name, arguments in ENTRIES.items():
        entry = _entry(payload, name, arguments, for_host)
        if module is None:
            module = entry
        else:
            module.link_in(entry)
    _keep_only_entries(module)
    machine = _machine(llvm, for_host)
    passes = llvm.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options()))
    module.verify()
    found: bytes = machine.emit_object(module)
    return found


def _entry(payload: Payload, name: str, arguments: int, for_host: bool) -> Any:
    """The module of one entry, with its native function under the entry's name."""
    import llvmlite.binding as llvm
    import numba

    types = (numba.from_dtype(payload.memory.dtype), *[numba.types.int64] * arguments)
    kernel: Any = payload.entries[name]
    entry = numba.njit(error_model="numpy")(kernel.py_func)
    entry.compile(types)
    compiled = entry.overloads[types]
    result = compiled.signature.return_type
    if not isinstance(result, numba.types.Integer | numba.types.IntegerLiteral):
        raise TypeError(f"entry {name} of {payload.name} returns no integer")
    text = REFERENCE_COUNTS.sub("", compiled.library.get_llvm_str())
    if not for_host:
        text = re.sub(r'target triple = ".*"', f'target triple = "{TRIPLE}"', text)
        text = re.sub(r'target datalayout = ".*"', f'target datalayout = "{LAYOUT}"', text)
        text = HOST_ATTRIBUTES.sub("", text)
    module = llvm.parse_assembly(text)
    module.verify()
    module.get_function(compiled.fndesc.llvm_func_name).name = DOOR_PREFIX + name
    return module


def _keep_only_entries(module: Any) -> None:
    """Everything else may be dropped: Numba's wrappers for Python are called by nothing."""
    for thing in (*module.functions, *module.global_variables):
        if not thing.is_declaration and not thing.name.startswith(DOOR_PREFIX):
            thing.linkage = "internal"


def _machine(llvm: Any, for_host: bool) -> Any:
    if for_host:
        target = llvm.Target.from_default_triple()
        return target.create_target_machine(opt=2, reloc="pic")
    target = llvm.Target.from_triple(TRIPLE)
    return target.create_target_machine(
        cpu=CPU, features=FEATURES, opt=3, reloc="static", codemodel="default"
    )


def main(arguments: list[str]) -> None:
    """Write the object file of the payload that the arguments name."""
    name, path, where = arguments
    Path(path).write_bytes(compile_object(payload_named(name), where == "host"))


def settings(cache: str) -> dict[str, str]:
    """The environment that this module is run with."""
    return {**os.environ, **SETTINGS, "LEADLINE_CACHE": cache, "PYTHONPATH": own_path()}


def build_in_process_of_its_own(run: Callable[..., Any], name: str, path: Path, where: str) -> None:
    """Run this module as it wants to be run; `run` is called like subprocess.run."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, "-P", "-m", "hil.boards.kernel_object", name, str(path), where]
        run(command, env=settings(cache))


if __name__ == "__main__":
    main(sys.argv[1:])
