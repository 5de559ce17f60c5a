"""Which origin endpoints' requests are logged, and under which names."""

from __future__ import annotations

from understudy_domain.channel import OriginEndpoint
from understudy_domain.keys import Arns
from understudy_runtime.access_log import AccessLog, LoggedSend, Names
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.metrics import Scope, Send


class EgressLogs:
    """The access log, and what the configuration says of it. One per process."""

    def __init__(self, log: AccessLog, config: ConfigStore, arns: Arns) -> None:
        self.log = log
        self._config = config
        self._arns = arns

    def names_of(self, endpoint: OriginEndpoint) -> Names | None:
        """What an origin endpoint is called in the log; None where its channel has no egress access logs."""
        channel = self._config.channel_by_guid(endpoint.channel_guid)
        if channel is None or channel.value.egress_access_logs is None:
            return None
        return Names.of(
            account=self._arns.account_id,
            channel_id=channel.value.id,
            channel_arn=self._arns.channel(channel.value.guid),
            endpoint_id=endpoint.id,
            endpoint_arn=self._arns.origin_endpoint(endpoint.guid),
        )

    def logged(self, send: Send, scope: Scope, guid: str) -> Send:
        """``send``, or one that logs what is asked of the origin endpoint with this guid."""
        endpoint = self._config.origin_endpoint_by_guid(guid)
        names = None if endpoint is None else self.names_of(endpoint.value)
        return send if names is None else LoggedSend(send, log=self.log, exchange=self.log.exchange(scope, names))
