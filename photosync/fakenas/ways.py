"""Runs on the simulated NAS's own thread.

The ways in: which paths of an address lead to Photos, and what the others show.
"""

from __future__ import annotations

from dataclasses import dataclass

from .wire import Call, Reply, html_page


@dataclass(frozen=True)
class Ways:
    """How an address leads to Photos.

    With an `alias`, Photos answers below `/<alias>` as well; with `alias_only` the rest is not there, as on port 443 of
    a login portal. With `redirect_to` (scheme, host and port) everything is answered by a redirect to there, as when
    DSM sends everybody to https.
    """

    alias: str = ""
    alias_only: bool = False
    redirect_to: str = ""
    redirect_status: int = 301

    def inside(self, path: str) -> str:
        """The path as the NAS itself would see it."""
        if self.alias and path.startswith(f"/{self.alias}/"):
            return path.removeprefix(f"/{self.alias}")
        return path

    def turned_away(self, call: Call) -> Reply | None:
        """The answer to a call that does not come in."""
        if self.redirect_to:
            query = f"?{call.query_string}" if call.query_string else ""
            return html_page(self.redirect_status, headers={"Location": f"{self.redirect_to}{call.path}{query}"})
        if self.alias_only and self.inside(call.path) == call.path:
            return html_page(404, "Sorry, the page you are looking for is not found.")
        return None
