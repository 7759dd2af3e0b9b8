"""Board: the image is what the sources say, wherever it is built, and calls nothing else."""

import re
import subprocess

import pytest

from hil.boards.build import (
    ALLOWED,
    FIRMWARE,
    FLASH_BYTES,
    PAYLOADS,
    RAM_BYTES,
    BuildFailed,
    build,
    check_symbols,
    kernels_object,
    link,
    write_headers,
)
from hil.boards.toolchain import CHECKER, ToolsMissing, need_tools
from tests.hil.need_board import need_board

pytestmark = need_board()

FUSED = re.compile(r"\bv(fma|fms|fnma|fnms|mla|mls|nmla|nmls)\.")
STACK_SPARE_BYTES = 1024


@pytest.fixture(scope="module", params=PAYLOADS)
def image(request):
    return build(request.param)


def test_two_build_folders_give_the_same_bytes(image, tmp_path):
    folders = [tmp_path / "one", tmp_path / "another" / "deeper"]
    for folder in folders:
        folder.mkdir(parents=True)
        link(image.payload, kernels_object(image.payload), folder)
    for made in (image.elf.name, image.binary.name):
        one, other = ((folder / made).read_bytes() for folder in folders)
        assert one == other == image.elf.with_name(made).read_bytes()


def test_an_image_fits_what_all_boards_have(image):
    assert image.flash_bytes <= FLASH_BYTES and image.ram_bytes <= RAM_BYTES


def test_no_product_is_fused_with_a_sum(image):
    listing = subprocess.run(
        ["arm-none-eabi-objdump", "-d", str(image.elf)], capture_output=True, text=True, check=True
    ).stdout
    assert "__aeabi_dmul" in listing and not FUSED.search(listing)


def test_kernels_that_call_what_no_board_has_are_refused(tmp_path):
    source, made = tmp_path / "kernel.c", tmp_path / "kernel.o"
    source.write_text("void *malloc(unsigned); void *payload_step(void) { return malloc(1); }")
    subprocess.run(["arm-none-eabi-gcc", "-c", str(source), "-o", str(made)], check=True)
    assert "malloc" not in ALLOWED
    with pytest.raises(BuildFailed, match="what no board has: malloc"):
        check_symbols(made)


def test_a_missing_tool_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("hil.boards.toolchain.install", lambda missing: None)
    monkeypatch.setattr("shutil.which", lambda tool: None)
    with pytest.raises(ToolsMissing, match="apt-get install .* gcc-arm-none-eabi"):
        need_tools("arm-none-eabi-gcc")


@need_board(CHECKER)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_cppcheck_finds_nothing(payload, tmp_path):
    write_headers(payload, tmp_path)
    options = "--enable=warning,performance,portability --error-exitcode=1 --quiet --std=c11"
    done = subprocess.run(
        ["cppcheck", *options.split(), f"-I{tmp_path}", f"-I{FIRMWARE}", str(FIRMWARE)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
