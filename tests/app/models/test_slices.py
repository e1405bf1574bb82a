"""Slices of prompts follow what they add to a batch. Machines are made here: so many seconds a token."""

from app.models.slices import Slices

ADDED = 0.12
"""Seconds that a slice may add."""


class Machine:
    """Takes so long for a batch, as a processor whose weights are read once and whose tokens are computed each."""

    def __init__(self, *, fixed: float, each: float) -> None:
        self.fixed = fixed
        self.each = each

    def seconds(self, tokens: int) -> float:
        return self.fixed + self.each * tokens

    def read(self, slices: Slices, *, beside: int, batches: int = 12) -> float:
        """What the last of so many slices added, in seconds."""
        slices.measure(read=0, beside=beside, seconds=self.seconds(beside))
        for _ in range(batches):
            size = slices.tokens
            slices.measure(read=size, beside=beside, seconds=self.seconds(beside + size))
        return self.each * slices.tokens


def test_a_slice_adds_as_much_as_it_may_however_long_the_outputs_themselves_take() -> None:
    machine = Machine(fixed=0.02, each=0.004)
    for beside in (1, 4, 16):  # 16 outputs take 0.084 s without any prompt
        added = machine.read(Slices(512), beside=beside)
        assert ADDED * 0.9 < added <= ADDED


def test_a_slow_machine_reads_the_smallest_slices_and_a_quick_one_whole_batches() -> None:
    slow, quick = Slices(512), Slices(512)
    Machine(fixed=0.5, each=0.2).read(slow, beside=2)
    Machine(fixed=0.001, each=0.00001).read(quick, beside=2)
    assert slow.tokens == 16
    assert quick.tokens == 512


def test_one_slow_batch_changes_little() -> None:
    machine, slices = Machine(fixed=0.02, each=0.004), Slices(512)
    machine.read(slices, beside=4)
    usual = slices.tokens
    slices.measure(read=usual, beside=4, seconds=5.0)
    assert slices.tokens >= usual // 2
    slices.measure(read=0, beside=4, seconds=5.0)  # as if outputs alone took that long
    machine.read(slices, beside=4)
    assert machine.each * slices.tokens <= ADDED


def test_what_was_measured_at_a_busy_moment_is_corrected_by_what_more_outputs_take() -> None:
    machine, slices = Machine(fixed=0.02, each=0.004), Slices(512)
    slices.measure(read=0, beside=15, seconds=5.0)
    slices.measure(read=0, beside=16, seconds=machine.seconds(16))
    for _ in range(12):
        size = slices.tokens
        slices.measure(read=size, beside=15, seconds=machine.seconds(15 + size))
    assert machine.each * slices.tokens <= ADDED * 1.05


def test_what_so_many_outputs_take_is_taken_from_fewer_until_it_is_known() -> None:
    machine, slices = Machine(fixed=0.02, each=0.004), Slices(512)
    slices.measure(read=0, beside=8, seconds=machine.seconds(8))
    for _ in range(12):
        size = slices.tokens
        slices.measure(read=size, beside=16, seconds=machine.seconds(16 + size))
    # The other eight count as part of the slice: it is shorter than it might be, and nobody waits longer.
    assert 0.5 * ADDED < machine.each * slices.tokens < ADDED


def test_a_prompt_that_nobody_waits_for_or_that_ends_teaches_nothing() -> None:
    slices = Slices(512)
    slices.measure(read=512, beside=0, seconds=9.0)
    slices.measure(read=3, beside=2, seconds=9.0)
    assert slices.tokens == 64
