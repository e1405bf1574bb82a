import threading
import time

from app.models.turns import Turns


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    turns = Turns()
    assert turns.take(1)
    order: list[int] = []

    def wait(number: int) -> None:
        if turns.take(30):
            order.append(number)
            turns.give_back()

    threads = []
    for number in range(5):
        thread = threading.Thread(target=wait, args=(number,))
        thread.start()
        threads.append(thread)
        deadline = time.monotonic() + 10
        while len(turns._waiting) <= number and time.monotonic() < deadline:
            time.sleep(0.001)
    turns.give_back()
    for thread in threads:
        thread.join(30)
    assert order == [0, 1, 2, 3, 4]


def test_waiting_ends_when_the_time_is_up_and_the_turn_stays_for_others() -> None:
    turns = Turns()
    assert turns.take(0)
    assert not turns.take(0.01)
    turns.give_back()
    assert turns.take(0)


def test_closing_sends_away_who_waits() -> None:
    turns = Turns()
    assert turns.take(0)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(turns.take(30)))
    thread.start()
    turns.close()
    thread.join(30)
    assert answers == [False]
