from __future__ import annotations

from pathlib import Path

import pytest

from evals.__main__ import main


@pytest.mark.parametrize("only", ["retreival", "scope,retreival", ","])
async def test_a_suite_that_is_not_there_is_said_in_one_line(only: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        await main(["--only", only])
    assert ended.value.code == 2
    assert "there is no suite" in capsys.readouterr().err.splitlines()[-1]


async def test_without_the_public_data_a_suite_is_skipped_with_a_line_that_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert await main(["--only", "retrieval", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "retrieval: skipped" in said.err
    assert said.out == '{"below_floor": []}\n'
