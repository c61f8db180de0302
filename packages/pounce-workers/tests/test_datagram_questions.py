"""What was asked and answered about connections of other processes."""

from __future__ import annotations

from pounce_workers.net.datagram_questions import KNOWN, NOBODYS_TIME, OPEN, PER_SECOND, Advice, DatagramQuestions

NOBODYS = Advice((), nobodys=True)
WAIT = Advice((), nobodys=False)
ID = b"8 bytes!"


def asked(advice: Advice) -> set[str]:
    assert not advice.nobodys
    return set(advice.ask)


def test_only_what_all_others_deny_is_nobodys_and_that_for_a_while() -> None:
    questions = DatagramQuestions()
    others = ("/a", "/b")
    assert asked(questions.consider(ID, others, 10.0)) == {"/a", "/b"}
    questions.denied(ID, "/a")
    # The other one is busy: however long that takes, it may have the connection. And what was asked may be lost.
    assert asked(questions.consider(ID, others, 14.0)) == {"/b"}
    questions.denied(ID, "/b")
    assert questions.consider(ID, others, 14.5) == NOBODYS
    assert asked(questions.consider(ID, (*others, "/new"), 14.6)) == {"/new"}
    questions.denied(ID, "/new")
    assert questions.consider(ID, (*others, "/new"), 10.0 + NOBODYS_TIME - 0.1) == NOBODYS
    assert asked(questions.consider(ID, others, 10.0 + NOBODYS_TIME)) == {"/a", "/b"}


def test_who_is_gone_is_not_waited_for() -> None:
    questions = DatagramQuestions()
    questions.consider(ID, ("/a", "/b"), 10.0)
    questions.denied(ID, "/a")
    questions.lost("/b")
    assert questions.consider(ID, ("/a",), 10.1) == NOBODYS


def test_an_owner_is_remembered_until_it_says_otherwise_or_is_lost() -> None:
    questions = DatagramQuestions()
    questions.consider(ID, ("/there",), 10.0)
    questions.claimed(ID, "/there")
    assert questions.owner(ID) == "/there"
    questions.denied(ID, "/another")
    assert questions.owner(ID) == "/there"
    questions.denied(ID, "/there")
    assert questions.owner(ID) is None
    assert asked(questions.consider(ID, ("/there",), 10.1)) == {"/there"}  # the answer has ended the question
    questions.claimed(b"one", "/here")
    questions.claimed(b"two", "/there")
    questions.lost("/there")
    assert (questions.owner(b"one"), questions.owner(b"two")) == ("/here", None)


def test_what_is_remembered_is_bounded() -> None:
    questions = DatagramQuestions()
    for number in range(KNOWN + 10):
        questions.claimed(b"%d" % number, "/there")
    assert len(questions._known) == KNOWN
    assert questions.owner(b"5") is None
    assert questions.owner(b"%d" % (KNOWN + 9)) == "/there"
    for number in range(OPEN + 10):
        questions.consider(b"%d" % number, ("/there",), number)
    assert len(questions._open) == OPEN


def test_a_flood_of_questions_is_neither_asked_nor_called_nobodys() -> None:
    questions = DatagramQuestions()
    answers = [questions.consider(b"%d" % number, ("/a",), 10.0) for number in range(int(PER_SECOND) + 5)]
    assert answers == [Advice(("/a",), nobodys=False)] * int(PER_SECOND) + [WAIT] * 5
    assert asked(questions.consider(b"later", ("/a",), 10.1)) == {"/a"}
