"""The error of an unavailable Redis, which Django's cache and the channel layer pass on."""


def redis_error() -> type[Exception]:
    """Return the class of Redis's errors, for `except redis_error():`.

    Its client is imported only here, i.e. after something failed: that takes a tenth of the start
    of a process, and many use no Redis.
    """
    from redis.exceptions import RedisError

    return RedisError
