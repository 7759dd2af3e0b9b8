"""One end's answer to one tick of lockstep, asked for until it is whole.

A tick that is not answered is granted again, byte for byte as far as the messages go; no end
runs one twice. An end that has restarted meanwhile answers Hello with another boot number; its
owner brings it back, and the tick is granted once more.
"""

from collections.abc import Callable
from typing import Any

from hil.platform.clock import NS_PER_S
from hil.protocol.peer import SilenceLimit
from hil.protocol.remote_end import FarEnd
from hil.wire.codec import codec
from hil.wire.messages import BY_NAME, Message, Packet
from hil.wire.session_messages import DoneResult

RESEND_NS = NS_PER_S // 4


class Exchange:
    """Grants ticks to one end, and takes its answers."""

    def __init__(
        self,
        far: FarEnd,
        done: str,
        silence_limit_ns: int,
        watch: Callable[[], None],
        bring_back: Callable[[], None],
    ) -> None:
        """`done` names the message that ends an answer; its record has t_ns, messages, result.

        `watch` is called while nothing comes; `bring_back` when the end has restarted.
        """
        self._far = far
        self._peer = far.peer
        self._done = BY_NAME[done].apid
        self._unpack = codec(done).unpack
        self._silence = SilenceLimit(far.peer, silence_limit_ns, far.name)
        self._watch = watch
        self._bring_back = bring_back

    def tick(self, t_ns: int, grant: Callable[[], None]) -> tuple[list[Packet], Any, bytes]:
        """The outputs of the tick at t_ns, and its done message, unpacked and as bytes.

        Raises PeerSilent or LinkError when no answer comes within the limit.
        """
        clock = self._peer.clock
        grant()
        again_ns = clock.now_ns() + RESEND_NS
        outputs: list[Packet] = []
        while True:
            # a slow line may bring a frame in pieces: nothing is missing before its time is up
            packets = self._peer.receive(clock.wait_s(again_ns))
            if clock.now_ns() >= again_ns and not packets:
                self._ask_again(grant)
                outputs = []
                again_ns = clock.now_ns() + RESEND_NS
            elif any(message.name != "Hello" for message, _ in packets):
                self._silence.restart()  # an end that sends only Hello counts as silent
            for message, payload in packets:
                if not message.is_bench:
                    outputs.append((message, payload))
                elif message.apid != self._done:
                    if self._is_back(message, payload):
                        grant()
                        outputs = []
                else:
                    done = self._unpack(payload)
                    if _is_answer(done, t_ns, outputs):
                        return outputs, done, payload
                    if done.t_ns == t_ns:
                        grant()
                    outputs = []

    def _ask_again(self, grant: Callable[[], None]) -> None:
        self._watch()
        self._far.check_alive()
        self._silence.check()
        self._peer.hello(asks=True)
        grant()

    def _is_back(self, message: Message, payload: bytes) -> bool:
        """True when this message reported a restart, and the end has been brought back."""
        self._far.refuse_end(message, payload)
        if message.name != "Hello" or not self._far.has_restarted(payload):
            return False
        self._bring_back()
        self._silence.restart()
        return True


def _is_answer(done: Any, t_ns: int, outputs: list[Packet]) -> bool:
    whole = done.result == DoneResult.STEPPED and done.messages == len(outputs)
    return bool(done.t_ns == t_ns and whole)
