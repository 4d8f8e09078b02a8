"""Writes `dashboards/*.json`: `python -m deploy.grafana`, which `make dashboards` calls."""

from __future__ import annotations

from deploy.grafana.boards import DIRECTORY, files


def main() -> None:
    """Write every dashboard, and remove files that no dashboard has."""
    generated = files()
    for path in sorted(set(DIRECTORY.glob("*.json")) - set(generated)):
        path.unlink()
        print(f"removed {path.name}")
    for path, text in generated.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
