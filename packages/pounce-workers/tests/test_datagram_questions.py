"""What was asked and answered about connections of other processes."""

from __future__ import annotations

from pounce_workers.net.datagram_questions import (
    ANSWER_TIME,
    KNOWN,
    NOBODYS_TIME,
    OPEN,
    PER_SECOND,
    Answer,
    DatagramQuestions,
)

ASK = Answer(ask=True, nobodys=False)
NOBODYS = Answer(ask=False, nobodys=True)
ID = b"8 bytes!"


def test_what_nobody_claims_in_time_is_nobodys_for_a_while() -> None:
    questions = DatagramQuestions()
    assert questions.ask(ID, 10.0) == ASK
    assert questions.ask(ID, 10.0 + ANSWER_TIME / 2) == ASK  # the question, or its answer, may have been lost
    assert questions.ask(ID, 10.0 + ANSWER_TIME) == NOBODYS
    assert questions.ask(ID, 10.0 + NOBODYS_TIME - 0.1) == NOBODYS
    assert questions.ask(ID, 10.0 + NOBODYS_TIME) == ASK


def test_an_owner_is_remembered_until_it_says_otherwise_or_is_lost() -> None:
    questions = DatagramQuestions()
    questions.ask(ID, 10.0)
    questions.answered(ID, "/there")
    assert questions.owner(ID) == "/there"
    questions.forget(ID)
    assert questions.owner(ID) is None
    assert questions.ask(ID, 11.0) == ASK  # the answer has ended the question
    questions.answered(b"one", "/here")
    questions.answered(b"two", "/there")
    questions.lost("/there")
    assert (questions.owner(b"one"), questions.owner(b"two")) == ("/here", None)


def test_what_is_remembered_is_bounded() -> None:
    questions = DatagramQuestions()
    for number in range(KNOWN + 10):
        questions.answered(b"%d" % number, "/there")
    assert len(questions._known) == KNOWN
    assert questions.owner(b"5") is None
    assert questions.owner(b"%d" % (KNOWN + 9)) == "/there"
    for number in range(OPEN + 10):
        questions.ask(b"%d" % number, number)
    assert len(questions._asked) == OPEN


def test_a_flood_of_questions_is_neither_asked_nor_called_nobodys() -> None:
    questions = DatagramQuestions()
    answers = [questions.ask(b"%d" % number, 10.0) for number in range(int(PER_SECOND) + 5)]
    assert answers == [ASK] * int(PER_SECOND) + [Answer(ask=False, nobodys=False)] * 5
    assert questions.ask(b"later", 10.1) == ASK
