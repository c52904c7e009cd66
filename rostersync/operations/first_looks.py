"""The first look at all inboxes of a run, side by side: which files are there, how large, and from when.

`pull` looks again in the district's turn, and a file that is as it was then is complete: nobody has to wait for it.
What goes wrong here costs that wait and nothing else: the district's own `pull` meets the same trouble, and reports it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TYPE_CHECKING

from rostersync import ledger
from rostersync.configuration import districts
from rostersync.exceptions import RosterSyncError, reference
from rostersync.pipeline.context import Run, Services, district_transaction
from rostersync.transports import account

if TYPE_CHECKING:
    from rostersync.configuration.districts import District
    from rostersync.model import RemoteFile

_log = logging.getLogger(__name__)
SIDE_BY_SIDE = 16
"""Hosts that are looked at at a time: as many as the pool `sftp` has slots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookLimits:
    """How long the look may take: at one host, and at all of them."""

    host_seconds: float = 10.0
    whole_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstLooks:
    """Districts whose inbox was looked at, and those at whose inbox `pull` will look twice; codes in order."""

    seen: tuple[str, ...]
    not_seen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """From the thread of a host: what is in a district's inbox; no code: there is nothing more to come."""

    host: str
    code: str | None = None
    files: Sequence[RemoteFile] = ()


USUAL = LookLimits()


def take_first_looks(services: Services, run: Run, codes: Sequence[str], limits: LookLimits = USUAL) -> FirstLooks:
    """Look at these districts' inboxes and store what is there, each district as soon as it has answered.

    A dry run, which writes nothing, and a program that makes no pause between two looks do not look.
    Raises ConfigurationError (waves), DatabaseUnavailable; no trouble of a district or its server.
    """
    if run.dry_run or not services.settle_seconds:
        return FirstLooks(seen=(), not_seen=())
    seen = set()
    for code, files in _answers(services, _by_host(services, codes), limits):
        with district_transaction(services, code) as conn:
            ledger.record_inbox_look(conn, run.dag_id, run.run_id, code, files, services.clock())
        seen.add(code)
    looks = FirstLooks(
        seen=tuple(code for code in codes if code in seen),
        not_seen=tuple(code for code in codes if code not in seen),
    )
    _log.info("Took a first look at %d of %d inboxes.", len(looks.seen), len(codes))
    if looks.not_seen:
        _log.info("No first look, so `pull` looks twice: %s.", ", ".join(looks.not_seen))
    return looks


def _by_host(services: Services, codes: Sequence[str]) -> dict[str, list[District]]:
    """The districts by the host of their inbox. A folder of this machine is a host of its own.

    Left out: districts whose file is wrong, and those that share an inbox, because whose a file is cannot be said.
    """
    shared = districts.districts_with_shared_inboxes(account)
    hosts: dict[str, list[District]] = defaultdict(list)
    for code in codes:
        try:
            district = services.district(code)
        except RosterSyncError as error:
            _log.warning("District %s: no first look (%s).", code, error.code)
            continue
        if code not in shared:
            hosts[_host(district)].append(district)
    return hosts


def _host(district: District) -> str:
    """Host and port of a server where the environment tells them, else the id of the connection."""
    if district.source.sftp is None:
        return f"folder of {district.code}"
    return str(account(district.source.sftp)[:2])


def _answers(
    services: Services, hosts: dict[str, list[District]], limits: LookLimits
) -> Iterator[tuple[str, Sequence[RemoteFile]]]:
    """Code and files of each inbox, as the answers come in.

    A host whose time is over is not waited for any longer; its thread, which nothing can stop, ends with its login.
    """
    whole = time.monotonic() + limits.whole_seconds
    answers: Queue[_Answer] = Queue()
    waiting, until = deque(hosts), dict[str, float]()
    while (waiting or until) and time.monotonic() < whole:
        while waiting and len(until) < SIDE_BY_SIDE:
            host = waiting.popleft()
            until[host] = min(time.monotonic() + limits.host_seconds, whole)
            _start(services, host, hosts[host], until[host], answers)
        try:
            answer = answers.get(timeout=max(min(until.values()) - time.monotonic(), 0))
        except Empty:
            until = {host: end for host, end in until.items() if time.monotonic() < end}
            continue
        if answer.code is None:
            until.pop(answer.host, None)
        else:
            yield answer.code, answer.files


def _start(services: Services, host: str, found: Sequence[District], until: float, answers: Queue[_Answer]) -> None:
    """Look at a host's inboxes in a thread that keeps no program from ending."""
    name = f"first look: {found[0].code}"
    threading.Thread(target=_look_at_host, args=(services, host, found, until, answers), name=name, daemon=True).start()


def _look_at_host(
    services: Services, host: str, found: Sequence[District], until: float, answers: Queue[_Answer]
) -> None:
    """One login after the other: some servers take many at a time for an attack."""
    try:
        for district in found:
            if time.monotonic() >= until:
                break
            files = _files(services, district)
            if files is not None:
                answers.put(_Answer(host, district.code, files))
    finally:
        answers.put(_Answer(host))


def _files(services: Services, district: District) -> Sequence[RemoteFile] | None:
    """What is in the inbox; None when that cannot be said, and the log tells the code."""
    try:
        with services.open_transport(district) as transport:
            return transport.list()
    except RosterSyncError as error:
        _log.warning("District %s: no first look (%s).", district.code, error.code)
    except Exception as error:  # noqa: BLE001 - a thread tells nobody else; the text may hold a file's name
        _log.warning("District %s: no first look (%s).", district.code, reference(error))
    return None
