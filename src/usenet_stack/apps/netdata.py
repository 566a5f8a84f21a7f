"""Netdata: its alarms.

Source: netdata 2.11, src/web/api/v1/api_v1_info.c.
"""

from usenet_stack.apps.app import Client, Figures


class Netdata(Client):
    """It needs no key."""

    def version(self) -> str:
        """Return the application's own version."""
        return self.http.get("/api/v1/info").text("version")

    def figures(self) -> Figures:
        """Return alarms_warning, alarms_critical, version: one call."""
        info = self.http.get("/api/v1/info")
        return {
            "alarms_warning": info.number("alarms.warning"),
            "alarms_critical": info.number("alarms.critical"),
            "version": info.text("version"),
        }
