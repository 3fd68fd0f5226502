"""The engines there are."""

from wasim.config import EngineName
from wasim.engines.engine import Engine
from wasim.engines.gows import Gows
from wasim.engines.noweb import Noweb
from wasim.engines.webjs import Webjs

ENGINES: dict[EngineName, Engine] = {"GOWS": Gows(), "NOWEB": Noweb(), "WEBJS": Webjs()}
