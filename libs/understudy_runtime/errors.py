"""What can go wrong with the bus, the configuration and the storage: one class for each failure."""

from __future__ import annotations

from understudy_domain.errors import UnderstudyError


class BusUnavailable(UnderstudyError):
    """NATS does not answer in time. Whether a message was stored is then unknown; trying again is right."""

    code = "bus_unavailable"
    status = 503


class BusRefused(UnderstudyError):
    """NATS answers, and refuses for good: a payload too large, a stream that does not take the subject."""

    code = "bus_refused"
    status = 500


class WrongLastSequence(UnderstudyError):
    """The subject's last message is another than expected: somebody else has written, or a lost ack was a success."""

    code = "wrong_last_sequence"
    status = 409


class StillStarting(UnderstudyError):
    """The service has not opened yet what it needs to answer; trying again is right."""

    code = "starting"
    status = 503


class LogTruncated(UnderstudyError):
    """A log ends before a message that was read from it: it was restored or replaced; what is in memory is void."""

    code = "log_truncated"
    status = 500


class NotFound(UnderstudyError):
    """No such key or resource."""

    code = "not_found"
    status = 404


class AlreadyExists(UnderstudyError):
    """A resource or key of that name is there already."""

    code = "already_exists"
    status = 409


class StaleRevision(UnderstudyError):
    """A resource was changed by somebody else since it was read."""

    code = "stale_revision"
    status = 409


class OfANewerRelease(UnderstudyError):
    """What is asked for is, or may be, stored in a form that only a newer release reads; a process of that answers."""

    code = "of_a_newer_release"
    status = 503


class StorageUnavailable(UnderstudyError):
    """The object storage does not answer, or answers with an error; trying again is right."""

    code = "storage_unavailable"
    status = 503


class StorageRefused(StorageUnavailable):
    """The object storage answers, and refuses for good: trying again does not mend it."""

    code = "storage_refused"


class StorageMisconfigured(StorageRefused):
    """The object storage answers, and what it says can come of nothing but a wrong setting."""

    code = "storage_misconfigured"


class BucketMissing(StorageMisconfigured):
    """The object storage answers, and has no such bucket."""

    code = "bucket_missing"


class ObjectMissing(UnderstudyError):
    """The object storage answers, and has no object of that key."""

    code = "object_missing"
    status = 404


class ObjectDiffers(UnderstudyError):
    """The object storage has an object of that key, and it is not the one that was stored there."""

    code = "object_differs"
    status = 503


class ObjectOfANewerRelease(ObjectDiffers):
    """The object is there, and of a form that only a newer release reads."""

    code = "object_of_a_newer_release"


class HistoryTorn(UnderstudyError):
    """What is known of a programme's past does not join. No playlist is made of it: that would leave slots out."""

    code = "history_torn"
    status = 503
