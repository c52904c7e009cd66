"""Rosters of other systems, recognised by their headers, so that the refusal can name them.

Sources: 1EdTech OneRoster 1.1 and 1.2 CSV tables; Microsoft School Data Sync CSV v1, v2 and v2.1; Clever's SFTP
specification v2; Canvas SIS import; Ed-Fi's staff tables (XML and API names alike); PowerSchool's data dictionary
(tables Teachers and Users); the bulk upload templates of Google Workspace, Microsoft Entra and Apple School Manager;
the UK samples of School Data Sync. Infinite Campus, Skyward and ClassLink export OneRoster.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class _Signature:
    """Recognised when every header of `all_of` and, if given, one of `any_of` is there. Letters, digits and
    underscores count: `School_id` is Clever's, `schoolId` is ours.
    """

    format: str
    all_of: frozenset[str]
    any_of: frozenset[str] = frozenset()

    def fits(self, headers: frozenset[str]) -> bool:
        return self.all_of <= headers and (not self.any_of or bool(self.any_of & headers))


def _signature(format_: str, all_of: str, any_of: str = "") -> _Signature:
    return _Signature(format_, frozenset(all_of.split()), frozenset(any_of.split()))


_SDS_2 = "Microsoft School Data Sync v2"
_SDS_2_1 = "Microsoft School Data Sync v2.1"
_SDS_EITHER = "Microsoft School Data Sync v2 or v2.1"

# The first that fits wins: School Data Sync v2 took OneRoster's names over, so OneRoster's own marks come first.
_SIGNATURES: Final = (
    _signature("OneRoster", "propertyname value"),
    _signature("OneRoster", "datelastmodified", "sourcedid usersourcedid"),
    _signature("OneRoster", "sourcedid", "enableduser usermasteridentifier schoolsourcedid schoolyearid"),
    _signature(_SDS_2_1, "usersourcedid", "flag relationshipusersourcedid sessionsourcedid isprimary birthdate sex"),
    _signature(_SDS_2_1, "sourcedid", "activedirectorymatchid schoolyear schoolyearsourcedid sessionsourcedids"),
    _signature(_SDS_2, "sourcedid", "orgsourcedids orgsourcedid"),
    _signature(_SDS_EITHER, "sourcedid", "parentsourcedid givenname name title"),
    _signature(_SDS_EITHER, "classsourcedid usersourcedid role"),
    _signature("Microsoft School Data Sync v1", "sisid"),
    _signature("Microsoft School Data Sync (United Kingdom)", "", "schooldfenumber dfenumber"),
    _signature("Google Workspace", "emailaddressrequired", "orgunitpathrequired passwordrequired firstnamerequired"),
    _signature("Microsoft Entra", "", "usernameuserprincipalnamerequired initialpasswordpasswordprofilerequired"),
    _signature("Microsoft Entra", "userprincipalname", "displayname accountenabled objectid usertype"),
    _signature("Apple School Manager", "person_id", "location_id sis_username password_policy person_number"),
    _signature("Apple School Manager", "location_id", "location_name class_id course_number"),
    _signature("Ed-Fi", "", "staffuniqueid studentuniqueid educationorganizationid localeducationagencyid"),
    _signature("Ed-Fi", "", "staff_unique_id student_unique_id education_organization_id local_education_agency_id"),
    _signature("Clever", "school_id", "teacher_id staff_id student_id school_number admin_email"),
    _signature("Canvas", "", "login_id xlist_course_id parent_account_id"),
    _signature("Canvas", "status", "course_id section_id term_id observer_id account_id group_id"),
    _signature("PowerSchool", "teachernumber", "email_addr homeschoolid lastfirst users_dcid schoolstaff_dcid"),
)


_LONGEST: Final = 200
"""Characters of a cell that may still be a header of another system."""


def foreign_format(headers: Iterable[str]) -> str | None:
    """The system whose file has these headers, or None."""
    plain = frozenset(_plain(header) for header in headers if len(header) <= _LONGEST)
    return next((s.format for s in _SIGNATURES if s.fits(plain)), None)


def _plain(header: str) -> str:
    return "".join(sign for sign in header if sign.isalnum() or sign == "_").casefold()
