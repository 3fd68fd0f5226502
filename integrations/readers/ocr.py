"""Text recognised in pictures, with RapidOCR (the extra `ocr`); runs in the reading process.

Its models are in its package, so nothing is downloaded.
"""

import importlib
import importlib.util
from typing import IO, Any

from integrations.errors import Rejected

_PIXELS = 50_000_000
_LONGEST_SIDE = 2_400
_DOTS_PER_POINT = 2.0
_LONGEST_PAGE = 2_400.0


def is_installed(*, for_pdf: bool) -> bool:
    """Whether pictures can be read here, or the pages of a PDF too."""
    needed = ("rapidocr", "onnxruntime", "PIL", *(("pypdfium2",) if for_pdf else ()))
    return all(importlib.util.find_spec(one) is not None for one in needed)


def read_image(file: IO[bytes], *, characters: int) -> dict[str, object]:
    """Return the text in a picture. Raises `Rejected`."""
    pillow = importlib.import_module("PIL.Image")
    try:
        picture = pillow.open(file)
        width, height = picture.size
        if width * height > _PIXELS:
            raise Rejected(f"The picture has {width} by {height} pixels, over {_PIXELS}.", code="TOO_LARGE")
        # The smaller scales that JPEG files can be decoded in cost less memory.
        picture.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
        text = _recognised(_engine(), picture.convert("RGB"))
    except (pillow.UnidentifiedImageError, pillow.DecompressionBombError, OSError, SyntaxError) as problem:
        raise Rejected(
            f"The picture cannot be decoded ({type(problem).__name__}).", code="UNREADABLE"
        ) from None
    return {"text": text[:characters], "pages": None, "is_cut": len(text) > characters}


def read_pdf(file: IO[bytes], *, numbers: list[int], characters: int) -> dict[str, object]:
    """Return the texts of the pages of a PDF with these numbers, counted from 0. Raises `Rejected`."""
    pdfium = importlib.import_module("pypdfium2")
    engine = _engine()
    texts = []
    try:
        document = pdfium.PdfDocument(file)
        for number in numbers:
            page = document[number]
            # Pages may be declared as large as a house.
            scale = min(_DOTS_PER_POINT, _LONGEST_PAGE / max(*page.get_size(), 1.0))
            texts.append(_recognised(engine, page.render(scale=scale).to_pil().convert("RGB"))[:characters])
    except pdfium.PdfiumError as problem:
        raise Rejected(f"The PDF cannot be drawn ({type(problem).__name__}).", code="UNREADABLE") from None
    return {"texts": texts}


# The package tells no types.
def _engine() -> Any:
    threads = "EngineConfig.onnxruntime.{}_op_num_threads"
    return importlib.import_module("rapidocr").RapidOCR(
        params={threads.format("intra"): 1, threads.format("inter"): 1, "Global.log_level": "critical"}
    )


# Neither do the pictures.
def _recognised(engine: Any, picture: Any) -> str:
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    found = engine(importlib.import_module("numpy").asarray(picture)).txts
    return "\n".join(str(line) for line in found or ())
