"""What the measurements' processes say."""

from pathlib import Path

import pytest

from bench import processes


async def test_the_words_of_an_earlier_process_are_not_this_ones(tmp_path: Path) -> None:
    (tmp_path / "idle.log").write_text("worker is running\n")
    async with processes.running(tmp_path, "idle", "platform") as child:
        with pytest.raises(RuntimeError, match="did not say"):
            await child.says("worker is running")
