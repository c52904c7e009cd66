"""What is put into a district's inbox, night after night: new, large, broken, refused, known, and removals."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support import strategies
from tests.support.oracle.ledger_checks import LedgerChecks

REMOVALS = ("REMOVE-USER", "REMOVE-USER", "REMOVE-CLASS", "REMOVE-ENROLLMENT")


class LedgerFiles(LedgerChecks):
    """The steps that concern the inbox. Most of them end in a night."""

    @rule(data=st.data(), beside=st.sampled_from((False, False, True)), days_old=st.sampled_from((0, 0, 0, 3, -400)))
    def a_new_file(self, data: st.DataObject, beside: bool, days_old: int) -> None:
        """Also from a clock that is a year ahead."""
        self._put(data.draw(strategies.sheets(self.roster)), beside=beside, days_old=days_old)
        self._night()

    @rule(data=st.data(), beside=st.sampled_from((False, False, True)))
    def an_export_of_the_roster(self, data: st.DataObject, beside: bool) -> None:
        self._put(data.draw(strategies.exports(self.roster)), beside=beside)
        self._night()

    @rule(data=st.data())
    def a_large_file(self, data: st.DataObject) -> None:
        self._put(data.draw(strategies.large_sheets(self.roster)))
        self._night()

    @rule(data=st.data())
    def a_file_with_broken_cells(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster))
        table = [dict(cells) for cells in table]
        for _ in range(data.draw(st.integers(1, 3))):
            data.draw(st.sampled_from(table))[data.draw(st.sampled_from(headers))] = data.draw(
                st.sampled_from(strategies.SPOILED)
            )
        self._put((headers, table))
        self._night()

    @rule(data=st.data(), action=st.sampled_from(REMOVALS))
    def a_file_that_names_somebody_and_removes_them(self, data: st.DataObject, action: str) -> None:
        """Often the roster refuses the removal: nobody is there, the source's, another school, an unknown one."""
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=4))
        cells = dict(data.draw(st.sampled_from(table)))
        taken = {key: cells[key] for key in ("schoolId", "userId", "classId")} | {"action": action}
        taken["classId"] = taken["classId"] or data.draw(st.sampled_from(strategies.CLASSES))
        if data.draw(st.booleans()):
            taken["schoolId"] = data.draw(st.sampled_from((*strategies.SCHOOLS, "S9")))
        self._put((headers, [*table, dict.fromkeys(headers, "") | taken]))
        self._night()

    @rule(data=st.data())
    def a_file_that_is_refused(self, data: st.DataObject) -> None:
        headers, table = data.draw(strategies.sheets(self.roster, max_rows=2))
        wrong = tuple("userrole" if header == "userRole" else header for header in headers)
        self._put((wrong, [dict(zip(wrong, cells.values(), strict=True)) for cells in table]))
        self._night()

    @rule(data=st.data(), beside=st.booleans())
    def a_file_is_put_down_for_later(self, data: st.DataObject, beside: bool) -> None:
        self._put(data.draw(strategies.sheets(self.roster, max_rows=3)), beside=beside)

    @precondition(lambda self: self.contents)
    @rule(data=st.data(), beside=st.booleans(), force=st.sampled_from((False, False, False, True)))
    def a_known_file_is_sent_again(self, data: st.DataObject, beside: bool, force: bool) -> None:
        content = self.contents[data.draw(st.sampled_from(sorted(self.contents)))]
        self._put(content.sheet, beside=beside)
        self._night(force=force)

    @precondition(lambda self: self.inbox)
    @rule(force=st.sampled_from((False, False, False, False, True)))
    def what_lies_there_is_looked_at(self, force: bool) -> None:
        self._night(force=force)

    @precondition(lambda self: self.inbox)
    @rule(data=st.data())
    def a_file_is_taken_away(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.inbox)))
        (self.nights.inbox / name).unlink()
        del self.inbox[name]
        self._count()
