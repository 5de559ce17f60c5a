"""Which input an origin endpoint is to follow other than the rule has it: by an order, or by its policy.

An intention moves the endpoint once, at the first slot that the wanted input completes by the slot's deadline
(failover rule, Policies and Switchover). Until then the rule goes on as if there were none, so that nobody who pins an
endpoint to a dead input makes it go black.
"""

from __future__ import annotations

from understudy_domain.endpoint_state import EndpointState
from understudy_domain.failover import Wanted
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.timeline import InputState


def wanted(endpoint: EndpointState, candidate: InputState, *, now: int, segment_duration: int) -> Wanted | None:
    """Whether the endpoint is to leave its active input for ``candidate``, the other one, as of ``now``."""
    policy, order = endpoint.policy, endpoint.standing_order(now)
    if policy.binds and not policy.forbids(candidate.input_id):  # before any order, which might ask for less
        return Wanted(candidate.input_id, Reason.SWITCHOVER, forced=True)
    if order is not None and order.input_id == candidate.input_id:
        return Wanted(order.input_id, Reason.SWITCHOVER, order.forced, since=order.given_at)
    if policy.input_id != candidate.input_id:
        return None
    if policy.kind is PolicyKind.PREFERRED:
        well_since = candidate.steadiness.well_since(now, lag=candidate.lag, segment_duration=segment_duration)
        since = None if well_since is None else held_down_since(endpoint, well_since)
        if since is not None and now - since >= policy.hold_down:
            reason = Reason.FAILBACK
            return Wanted(candidate.input_id, reason, forced=True, since=since, hold_down=policy.hold_down)
    return None


def wants_nothing(endpoint: EndpointState, candidate: InputState, *, now: int) -> bool:
    """Whether ``candidate`` is not wanted, and will not be before an order, a policy or the next entry says so."""
    policy = endpoint.policy
    chooses = policy.kind is not PolicyKind.STICKY and policy.input_id == candidate.input_id
    return not chooses and endpoint.standing_order(now) is None


def held_down_since(endpoint: EndpointState, well_since: int) -> int:
    """From when on a hold-down counts: since the preferred input has been well, but not from before an order to leave.

    Else an operator could not take the endpoint off the preferred input for maintenance: it would go back at once. An
    order that another policy withdrew says nothing under the new one. One that ran out counts: an entry tells that an
    order is settled and not how, so that a successor could not tell it from one that was carried out.
    """
    order = endpoint.order
    if order is None or order.withdrawn or order.input_id == endpoint.policy.input_id:
        return well_since
    return max(well_since, order.given_at)
