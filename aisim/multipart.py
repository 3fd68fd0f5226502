"""Reading `multipart/form-data` (RFC 7578): fields, and one or more files."""

from email.message import Message
from typing import NamedTuple

from aisim.errors import invalid


class Upload(NamedTuple):
    """A file of a form."""

    filename: str
    content_type: str
    data: bytes


class Form(NamedTuple):
    """What a form holds; a field that is repeated keeps its last value, `name[]` included."""

    fields: dict[str, str]
    files: dict[str, Upload]


def read_form(content_type: str, raw: bytes) -> Form:
    """Take a form apart. Raises `ApiError` 400 when it is none, or is cut off."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise invalid(f"The body must be multipart/form-data with a boundary, but is '{content_type}'.")
    # The first delimiter has no line break before it.
    pieces = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if not pieces[-1].startswith(b"--"):
        raise invalid("The form ends before its last boundary.")
    form = Form({}, {})
    for piece in pieces[1:-1]:
        head, found, data = piece.partition(b"\r\n\r\n")
        if found:
            _add(form, head.decode("utf-8", "replace"), data)
    return form


def _add(form: Form, head: str, data: bytes) -> None:
    part = Message()
    for line in head.split("\r\n"):
        field, found, value = line.partition(":")
        if found:
            part[field.strip()] = value.strip()
    name = _parameter(part, "name")
    filename = _parameter(part, "filename")
    if name is None:
        return
    if filename is None:
        form.fields[name] = data.decode("utf-8", "replace")
        return
    kind = part.get("content-type") or "application/octet-stream"
    form.files[name] = Upload(filename, kind, data)


def _parameter(part: Message, name: str) -> str | None:
    value: object = part.get_param(name, header="content-disposition")
    # RFC 2231 values come as charset, language and text.
    text = value[2] if isinstance(value, tuple) else value
    return text.replace("%22", '"') if isinstance(text, str) else None
