"""The kernel decorator: compiles a plain Python function of the flight subset.

A kernel is written in the flight subset: no allocation, no exception, no recursion, no clock,
bounded loops, float64 and int64 arithmetic, `+ - * /` and a correctly rounded sqrt. The subset is
so small that every machine computes it alike: the same source runs interpreted under a debugger
(`LEADLINE_INTERPRET=1`), compiled on the host by Numba, and compiled for a microcontroller, and
ends with the same bits.

A kernel widens a narrow field by `float(x)` and `int(x)`. In Numba they do not widen: the float of
a float32 stays one, and a difference of two unsigned integers wraps around. Here they give 64
bits, as in Python, and `int` takes a member of an enumeration too.
"""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numba.core.typing.builtins
import numba.cpython.builtins
from numba.core import types
from numba.core.typing.templates import signature
from numba.extending import intrinsic, overload

from fsw.framework.kernel_cache import INTERPRETED, ROOMS, KernelCache

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


@intrinsic
def _cast_int(_context: Any, x: Any) -> Any:
    """What Numba's int() does, but always to int64."""

    def convert(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], sig.return_type)

    return types.int64(x), convert


_narrow_float = numba.core.typing.builtins.Float.generic


def _wide_float(self: Any, args: Any, kws: Any) -> Any:
    """What Numba's float() means, but always float64."""
    return signature(types.float64, *_narrow_float(self, args, kws).args)


@overload(int)
def _int_of_code(x):  # Numba compares signatures, annotations included
    """int() of a member of an enumeration, which Numba lacks."""
    if isinstance(x, types.IntEnumMember):
        return lambda x: _cast_int(x)
    return None


numba.cpython.builtins.cast_int = _cast_int
numba.core.typing.builtins.Float.generic = _wide_float


def kernel(function: Kernel) -> Kernel:
    """Compile a flight-subset function for the host, or leave it as it is when interpreting.

    `error_model="numpy"` keeps exceptions out of the machine code; fastmath stays off, since
    it would let the compiler reorder sums and contract multiply-adds.
    """
    if INTERPRETED:
        return function
    compiled: Any = numba.njit(error_model="numpy")(function)
    module = inspect.getmodule(function)
    if module is not None and module.__name__.partition(".")[0] in ROOMS:
        compiled._cache = KernelCache(function)
    return compiled
