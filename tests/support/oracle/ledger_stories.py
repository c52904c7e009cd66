"""Stories over several nights that chance alone seldom tells: each is one step, and goes on from whatever came before.

Each once went wrong: findings that retention had swept, people counted twice, removals that the roster refuses, and
what an approval had left out.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support.oracle.ledger_files import LedgerFiles
from tests.support.oracle.ledger_model import Content
from tests.support.strategies import REQUIRED, REQUIRED_CLASS

HEADERS = ("action", *(header for header in (*REQUIRED, *REQUIRED_CLASS) if header != "action"))
BROKEN = {"userEmail": "nobody.example.org", "userId": "u#1", "userFirstName": "x" * 300}
"""Cells that a file rule rejects, though the database would take them, or cut them."""


def staff(user_id: str, school: str, class_id: str = "", **cells: str) -> dict[str, str]:
    """A row about a person of these stories, who is in no other file."""
    taught = {"classId": class_id, "className": "Team", "classGrade": "3", "primaryTeacher": "No"} if class_id else {}
    said = {"schoolId": school, "userId": user_id, "userRole": "Teacher", "userFirstName": "Tess"}
    said |= {"userLastName": f"Story {user_id}", "userEmail": f"{user_id}@example.org"}
    return dict.fromkeys(HEADERS, "") | said | taught | cells


def removal(user_id: str, school: str) -> dict[str, str]:
    """A row that removes a person from a school."""
    return dict.fromkeys(HEADERS, "") | {"action": "REMOVE-USER", "schoolId": school, "userId": user_id}


class LedgerStories(LedgerFiles):
    """Steps of several nights."""

    def _play(self, *rows: dict[str, str]) -> Content:
        """A night with this file in the inbox; and what the ledger makes of it."""
        self._put((HEADERS, [dict(cells) for cells in rows]))
        id_, _ = self.inbox["users.csv"]
        self._night()
        return self.contents[id_]

    @rule(header=st.sampled_from(sorted(BROKEN)), left_in_place=st.booleans(), days=st.sampled_from((31, 45)))
    def retention_sweeps_the_findings_of_a_file_that_comes_again(
        self, header: str, left_in_place: bool, days: int
    ) -> None:
        rows = (staff("k1", "S1"), staff("k2", "S1", **{header: BROKEN[header]}))
        self._play(*rows)
        self.nights.now += timedelta(days=days)
        self.retention_sweeps()
        if left_in_place:
            self._night()
        else:
            self._play(*rows)

    @rule(newcomer=st.booleans(), classes=st.integers(2, 3))
    def somebody_joins_a_class_of_people_who_teach_others_too(self, newcomer: bool, classes: int) -> None:
        """Their rows in the class are judged with the new one; those in their other classes say nothing new."""
        team = [staff(who, "S1", f"T{number}") for who in ("t1", "t2") for number in range(classes)]
        self._play(*team)
        self.nights.now += timedelta(days=1)
        joining = staff("t3", "S1", "T0") if newcomer else staff("t1", "S1", "T0", primaryTeacher="Yes")
        self._play(*(row for row in team if newcomer or (row["userId"], row["classId"]) != ("t1", "T0")), joining)

    @rule(above=st.booleans(), school=st.sampled_from(("S1", "S9")), named=st.booleans())
    def a_removal_that_the_roster_refuses_stands_beside_rows_about_the_same(
        self, above: bool, school: str, named: bool
    ) -> None:
        who = f"r{self.number}"
        refused, others = removal(who, school), [staff(who, "S1"), *([staff(who, school)] if named else [])]
        self._play(*((refused, *others) if above else (*others, refused)))

    @rule(days=st.sampled_from((1, 3)), by=st.sampled_from(("the calendar", "the roster", "the same bytes")))
    def a_file_is_approved_without_a_school_and_is_found_again(self, days: int, by: str) -> None:
        people = [staff(f"q{number}", "S2") for number in range(5)]
        self._decide(self._play(*people, staff("q9", "S1")), without=False)
        self.the_holds_are_strict()
        content = self._play(*(removal(f"q{number}", "S2") for number in range(3)), staff("q9", "S1", "T9"))
        if not content.held_schools:
            return
        self._decide(content, without=True)
        self.nights.now += timedelta(days=days)
        if by == "the roster":
            self.the_roster_is_written_by_others()
        if by == "the same bytes":
            self._put(content.sheet)
        self._night()
        self._night()

    def _decide(self, content: Content, *, without: bool) -> None:
        if content.state == "held":
            self.approve(content, without=without)

    def approve(self, content: Content, *, without: bool) -> None:
        """Somebody approves a held file."""
        raise NotImplementedError

    def retention_sweeps(self) -> None:
        """Everything that is older than its term goes."""
        raise NotImplementedError

    def the_holds_are_strict(self) -> None:
        """From now on nearly everything is held."""
        raise NotImplementedError

    def the_roster_is_written_by_others(self) -> None:
        """Its version goes on, without a change that a file would see."""
        raise NotImplementedError
