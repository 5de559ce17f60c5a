"""What the controller is told by its environment (prefix ``UNDERSTUDY_``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from understudy_domain.index_page import PAGE_ENTRIES
from understudy_runtime.client_address import TrustedProxies
from understudy_runtime.settings import CommonSettings

CREDENTIALS_GRACE_SECONDS_MAX = 7 * 86_400

PublicUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")]

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]


class ControllerSettings(CommonSettings):
    """The common settings, and what the control API writes into its answers."""

    ingest_public_url: PublicUrl = "http://127.0.0.1:7071"
    """Where encoders reach ingest: scheme, host, port, perhaps a path prefix. Ingest endpoints' URLs begin with it."""

    second_ingest_public_url: PublicUrl | None = None
    """Where encoders reach ingest for input 2; None: where they reach it for input 1.

    With a name of its own its way in can be another one, through another zone, that the loss of the first leaves alone.
    """

    egress_public_url: PublicUrl = "http://127.0.0.1:7072"
    """Where players and CDNs reach egress; origin endpoints' URLs begin with it."""

    authentication: Literal["sigv4", "none"] = "sigv4"
    """Whether requests to the control API must be signed, as AWS's clients sign them. ``none`` takes any request."""

    api_hosts: str | None = None
    """Names by which the control API is reached where requests need no signature, separated by commas.

    Addresses and ``localhost`` need not be named. Other names are refused there: a page in an operator's browser can
    make a name of its own lead to this port.
    """

    access_keys_file: Path | None = None
    """A YAML or JSON file with the keys to sign with; read again when it changes. ``sigv4`` needs one."""

    console_player_file: Path | None = None
    """hls.js as an ES module (``dist/hls.mjs`` of its npm package), for browsers that play no HLS by themselves.

    None: the console says that it has none.
    """

    console_trusted_proxies: str | None = None
    """Networks (CIDR) of reverse proxies that sign people in and say who they are; None: sessions begin with an access
    key alone. Whoever connects from there may name any user: nothing else must be able to."""

    console_user_header: HeaderName = "X-Forwarded-User"
    """The header in which such a proxy names the user; it must remove the header from what it is sent itself."""

    console_groups_header: HeaderName = "X-Forwarded-Groups"
    """The header in which it names the user's groups, separated by commas."""

    console_operators: str | None = None
    """Users and groups, separated by commas, who may order something; the others may look. None: all may only look."""

    credentials_grace_seconds: Annotated[int, Field(ge=0, le=CREDENTIALS_GRACE_SECONDS_MAX)] = 0
    """How long after a rotation of an input's credentials the pair before it still works.

    None, as in MediaPackage: who rotates because a password leaked wants it to end. A few minutes let an encoder be
    given its new pair without being cut off.
    """

    declared_file: Path | None = None
    """A YAML file of channels and origin endpoints, applied at start and when it changes; the same for every
    controller."""

    declared_prune: bool = False
    """Whether what a file has declared, and this one does not, is deleted.

    Off: to leave a resource out by mistake must not take it off the air.
    """

    webhooks_file: Path | None = None
    """A YAML or JSON file with the webhooks that events are sent to; read again when it changes, the same for every
    controller. It holds secrets."""

    harvest_jobs_unfinished_max: Annotated[int, Field(ge=0)] = 100
    """How many harvest jobs may be unfinished at a time; a further one is answered 429.

    MediaPackage allows ten; those that wait for the end of their window count as well, and cost little.
    """

    retention_interval_seconds: Annotated[float, Field(ge=0)] = 30.0
    """How often what no window reaches any more is looked for and removed; 0: never.

    Half a minute of media is little beside the margin, and looking costs next to nothing.
    """

    retention_margin_seconds: Annotated[float, Field(ge=0)] = 3600.0
    """How much longer than any window reaches entries and media are kept.

    As long as arrivals, so that a decision can be explained in full for an hour.
    """

    index_page_entries: Annotated[int, Field(ge=16, le=4096)] = PAGE_ENTRIES
    """Of how many entries an index page is made, where an origin endpoint has a startover window.

    At 2 s a page comes every quarter of an hour, and a day takes 85 reads.
    """

    start_wait_seconds: Annotated[float, Field(ge=0)] = 10.0
    """How long a request that comes while the controller is still starting waits before it is answered 503.

    Longer than a start takes when NATS answers, so that a restart costs a client a moment and no error.
    """

    @field_validator("console_trusted_proxies")
    @classmethod
    def _are_networks(cls, value: str | None) -> str | None:
        TrustedProxies.parse(value)
        return value
