"""Errors as an OpenAI server answers them: `{"error": {message, type, code, param}}`."""

import math

from aisim.wire import Body

AUDIO_FORMATS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm")
"""The endings of file names that `/v1/audio/transcriptions` takes."""


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type_: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Body = {"error": {"message": message, "type": type_, "param": param, "code": code}}
        self.headers = headers or {}


def invalid(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request is not one that can be answered."""
    return ApiError(400, message, param=param, code=code)


def unauthorized(*, given: bool) -> ApiError:
    """401: no key, or not the right one. The answer does not repeat it."""
    if given:
        return ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
    message = "You didn't provide an API key. Give it in an Authorization header: Authorization: Bearer KEY."
    return ApiError(401, message)


def no_such_model(model: str) -> ApiError:
    """404: a model that the configuration does not list."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(404, message, code="model_not_found")


def too_long(tokens: int, limit: int) -> ApiError:
    """400: the prompt does not fit into the model's context."""
    message = f"This model's maximum context length is {limit} tokens. However, your messages resulted in "
    return invalid(
        f"{message}{tokens} tokens. Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def rate_limited(seconds: float) -> ApiError:
    """429: too many requests; `Retry-After` says when to come back."""
    return ApiError(
        429,
        f"Rate limit reached for requests. Please try again in {seconds:g}s.",
        type_="requests",
        code="rate_limit_exceeded",
        # The first is whole seconds by its standard (RFC 9110, section 10.2.3).
        headers={"Retry-After": str(math.ceil(seconds)), "retry-after-ms": str(round(seconds * 1000))},
    )


def quota_exceeded() -> ApiError:
    """429 of the other kind: nothing is paid for any more, and waiting does not help."""
    message = "You exceeded your current quota, please check your plan and billing details."
    return ApiError(429, message, type_="insufficient_quota", code="insufficient_quota")


def server_error() -> ApiError:
    """500: the provider failed."""
    message = "The server had an error while processing your request. Sorry about that!"
    return ApiError(500, message, type_="server_error")


def no_audio() -> ApiError:
    """400: the bytes are no audio, whatever the name says."""
    return invalid(f"Invalid file format. Supported formats: {list(AUDIO_FORMATS)}", param="file")


def unrecognised_name() -> ApiError:
    """400: the name of the file has no ending that tells an audio format."""
    return invalid(f"Unrecognized file format. Supported formats: {list(AUDIO_FORMATS)}", param="file")
