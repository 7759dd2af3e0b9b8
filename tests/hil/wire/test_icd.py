"""The interface control document says what the code does."""

import re

from hil.wire.framing import Decoder
from hil.wire.icd import FILE, document, sample_payload
from hil.wire.messages import MESSAGES

COMMITTED = FILE.read_text()


def test_the_committed_document_is_up_to_date():
    assert document() == COMMITTED, "run python -m hil.wire.icd and commit hil/ICD.md"


def test_every_test_vector_of_the_document_decodes_to_its_message():
    vectors = dict(re.findall(r"`(\w+)`\n\n```\n([0-9a-f]+)\n```", COMMITTED))
    assert set(vectors) == {message.name for message in MESSAGES}
    for message in MESSAGES:
        decoded = Decoder().feed(bytes.fromhex(vectors[message.name]))
        assert decoded == [(message, sample_payload(message))]


def test_the_worked_example_decodes_to_the_range_it_tells_of():
    frame = re.search(r"^frame +([0-9a-f ]+)$", COMMITTED, re.MULTILINE)[1]
    [(message, payload)] = Decoder().feed(bytes.fromhex(frame))
    row = message.record.from_bytes(payload)
    assert (row.t_ns, row.range_m, row.seq, row.valid, row.quality) == (10**9, 893.25, 7, 1, 200)


def test_every_packet_and_field_is_in_the_document():
    for message in MESSAGES:
        assert f"### {message.name}\n" in COMMITTED
        for path, _, offset in message.record.leaves():
            assert f"| {offset} | `{path}` |" in COMMITTED
