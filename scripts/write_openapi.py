"""Write the OpenAPI document that the page's types are generated from.

python scripts/write_openapi.py            write web/src/api/openapi.json
python scripts/write_openapi.py --check    fail when the file differs from the code
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ppolab.server.app import create_app
from ppolab.server.settings import ServerSettings

TARGET = Path(__file__).resolve().parent.parent / "web" / "src" / "api" / "openapi.json"


def rendered() -> str:
    document = create_app(ServerSettings()).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    text = rendered()
    if "--check" in arguments:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
            return 0
        print(f"{TARGET} differs from the code. Run: python scripts/write_openapi.py")
        return 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    print(f"Wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
