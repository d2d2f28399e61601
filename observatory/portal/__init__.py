"""The portal: the public site for everyone, its edition for each partner who signs in.

Belongs here: accounts and sessions, what each may open, safe reading of files, headers, the ASGI application.
Does not: what an edition holds (``rendering.partner``), whether deliveries are real (package ``assets``).
"""

from observatory.portal.accounts import Accounts
from observatory.portal.app import Portal, build_portal
from observatory.portal.journal import Journal
from observatory.portal.rights import Rights
from observatory.portal.settings import Settings

__all__ = ["Accounts", "Journal", "Portal", "Rights", "Settings", "build_portal"]
