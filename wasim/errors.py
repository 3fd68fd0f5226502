"""Answers WAHA gives when it cannot do what was asked, in the shapes NestJS gives them."""

import time

from wasim.wire import Body


class ApiError(Exception):
    """An answer other than success: HTTP status and JSON body."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def bad_request(*messages: str) -> ApiError:
    """400: fields are missing or of the wrong type."""
    return ApiError(400, {"statusCode": 400, "message": list(messages), "error": "Bad Request"})


def bad_json(message: str) -> ApiError:
    """400: the body is not JSON at all."""
    return ApiError(400, {"statusCode": 400, "message": message, "error": "Bad Request"})


def unauthorized() -> ApiError:
    """401: the key is missing or wrong."""
    return ApiError(401, {"message": "Unauthorized", "statusCode": 401})


def not_found(message: str) -> ApiError:
    """404 with a message."""
    return ApiError(404, {"message": message, "error": "Not Found", "statusCode": 404})


def session_not_running(name: str) -> ApiError:
    """404: an action on a session that does not exist or is stopped."""
    return not_found(
        f"We didn't find a session with name '{name}'.\n"
        "Please start it first by using POST /api/sessions/{name}/start request"
    )


def file_not_found(name: str) -> ApiError:
    """404: the media file has gone."""
    error = {"code": 404, "key": "FILE_NOT_FOUND", "message": "File not found", "details": name}
    return ApiError(404, {"error": error})


def unprocessable(message: str) -> ApiError:
    """422 with a message."""
    return ApiError(422, {"message": message, "error": "Unprocessable Entity", "statusCode": 422})


def wrong_status(name: str, status: str, *expected: str) -> ApiError:
    """422: the session is not in a status that allows the action."""
    text = "Session status is not as expected. Try again later or restart the session"
    return ApiError(422, {"error": text, "session": name, "status": status, "expected": list(expected)})


def not_implemented() -> ApiError:
    """501: the engine has no such function."""
    message = "The method is not implemented by the engine"
    return ApiError(501, {"statusCode": 501, "message": message, "error": "Not Implemented"})


def engine_failure(message: str, request: Body, version: Body) -> ApiError:
    """500: the engine failed; WAHA echoes the request and its own version."""
    exception: Body = {"message": message, "name": "Error", "stack": f"Error: {message}\n    at wasim"}
    code, _, rest = message.partition(" ")
    if code.isdigit():
        exception |= {"code": int(code), "details": rest.partition(": ")[2], "metadata": {}}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
    return ApiError(
        500,
        {
            "statusCode": 500,
            "timestamp": stamp,
            "exception": exception,
            "request": request,
            "version": version,
        },
    )
