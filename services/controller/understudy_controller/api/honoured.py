"""What this release does not do yet, refused by name: nothing that was asked for is ever ignored in silence.

A value that asks for none of it (``adMarkers: NONE``) passes and is stored. ``adTriggers`` and
``adsOnDeliveryRestrictions`` pass whatever they say, because they choose which ad markers are written and ``adMarkers``
must be ``NONE``.
"""

from __future__ import annotations

from collections.abc import Iterator

from understudy_controller.api.errors import NotHonouredYet
from understudy_controller.api.models import (
    CreateOriginEndpointRequest,
    HlsPackageRequest,
    UpdateOriginEndpointRequest,
)
from understudy_domain.errors import InvalidResource


def refuse_what_cannot_be_created(request: CreateOriginEndpointRequest) -> None:
    """Check a request to create an origin endpoint.

    Raises:
        InvalidResource: not one packager.
        NotHonouredYet: as below.
    """
    refuse_what_is_not_honoured(request)
    if request.hls_package is None:
        raise InvalidResource("hlsPackage: required, an origin endpoint has exactly one packager")


def refuse_what_is_not_honoured(request: UpdateOriginEndpointRequest) -> None:
    """Check a request to create or update an origin endpoint.

    Raises:
        InvalidResource: more than one packager.
        NotHonouredYet: a field asks for something that this release does not do; the message names all such fields.
    """
    packagers = {
        "hlsPackage": request.hls_package,
        "dashPackage": request.dash_package,
        "cmafPackage": request.cmaf_package,
        "mssPackage": request.mss_package,
    }
    asked = [name for name, package in packagers.items() if package is not None]
    if len(asked) > 1:
        raise InvalidResource(f"an origin endpoint has exactly one packager, this request has {' and '.join(asked)}")
    refused = [name for name in asked if name != "hlsPackage"]
    refused += _refused(request)
    if refused:
        raise NotHonouredYet("; ".join(f"{field} cannot be honoured yet" for field in refused))


def _refused(request: UpdateOriginEndpointRequest) -> Iterator[str]:
    if request.hls_package is not None:
        yield from _refused_in_package(request.hls_package)


def _refused_in_package(package: HlsPackageRequest) -> Iterator[str]:
    if package.ad_markers not in (None, "NONE"):
        yield f"hlsPackage.adMarkers: {package.ad_markers}"
    if package.encryption is not None:
        yield "hlsPackage.encryption"
    if package.include_dvb_subtitles:
        yield "hlsPackage.includeDvbSubtitles: true"
    if package.include_iframe_only_stream:
        yield "hlsPackage.includeIframeOnlyStream: true"
    if package.use_audio_rendition_group:
        yield "hlsPackage.useAudioRenditionGroup: true"
