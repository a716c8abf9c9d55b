"""Resident memory of portal, desk and worker under load, and whether it grows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp

from bench import processes, proxy, scale
from bench.result import Result
from bench.worker import Scene, scene
from web.doors import Door

MOST_MB = 150.0
# Megabytes an hour, read off the second half of the run: the first fills caches and pools.
MOST_GROWTH = 20.0
_EVERY_S = 2.0
_BATCH = 20


async def run(quick: bool) -> list[Result]:
    minutes = 0.4 if quick else 5.0
    async with AsyncExitStack() as stack:
        portal = await stack.enter_async_context(proxy.listening())
        desk = await stack.enter_async_context(proxy.listening())
        stage = await stack.enter_async_context(scene(portal.url))
        env = stage.env | {"AMENDS_PORTAL_URL": portal.url, "AMENDS_BACKOFFICE_URL": desk.url}
        await stage.ask(f"cases/{_BATCH * (8 if quick else 60)}/1")
        children = [
            await scale.door(stack, stage, env, "portal", 0, portal),
            await scale.door(stack, stage, env, "backoffice", 0, desk),
            await scale.worker(stack, stage, env, 0),
        ]
        seen = await _loaded(stage, children, portal.url, desk.url, minutes)
        told = [result for name, points in seen.items() for result in _told(name, points)]
        # In half a minute caches still fill: that says nothing of growth.
        return [each for each in told if not quick or each.unit == "MB"]


async def _loaded(
    stage: Scene, children: list[processes.Child], portal: str, desk: str, minutes: float
) -> dict[str, list[tuple[float, float]]]:
    seen: dict[str, list[tuple[float, float]]] = {child.name: [] for child in children}
    cookies = await scale.sign_in(stage)
    until = time.monotonic() + minutes * 60
    async with asyncio.TaskGroup() as group:
        for door, url in ((Door.PORTAL, portal), (Door.DESK, desk)):
            group.create_task(_until(until, _reading(url + scale.PAGES[door], cookies[door])))
        group.create_task(_until(until, lambda: _plans(stage)))
        group.create_task(_until(until, lambda: _look(children, seen)))
    return seen


async def _until(end: float, step: Callable[[], Awaitable[None]]) -> None:
    while time.monotonic() < end:
        await step()


def _reading(url: str, cookie: str) -> Callable[[], Awaitable[None]]:
    async def read() -> None:
        async with aiohttp.ClientSession(headers={"cookie": cookie}) as http:
            for _ in range(50):
                async with http.get(url, allow_redirects=False) as answer:
                    assert answer.status == 200, f"{url}: {answer.status}"
                    await answer.read()

    return read


async def _plans(stage: Scene) -> None:
    await stage.ask(f"go/{_BATCH}")
    await asyncio.sleep(5)


async def _look(
    children: list[processes.Child], seen: dict[str, list[tuple[float, float]]]
) -> None:
    for child in children:
        seen[child.name].append((time.monotonic(), processes.rss_mb(child.pid)))
    await asyncio.sleep(_EVERY_S)


def _told(name: str, points: list[tuple[float, float]]) -> list[Result]:
    most, growth = max(each for _, each in points), _slope(points[len(points) // 2 :]) * 3600
    print(f"{name}: {points[0][1]:.0f} MB at first, {most:.0f} at most, {growth:+.1f} MB an hour")
    return [
        Result(f"{name}, memory at most", round(most, 1), len(points), target=MOST_MB, unit="MB"),
        Result(
            f"{name}, growth", round(growth, 1), len(points), target=MOST_GROWTH, unit="MB an hour"
        ),
    ]


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares: megabytes a second."""
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    above = sum((at - middle[0]) * (mb - middle[1]) for at, mb in points)
    below = sum((at - middle[0]) ** 2 for at, _ in points)
    return above / below if below else 0.0


if __name__ == "__main__":
    import sys

    for each in asyncio.run(run("--quick" in sys.argv)):
        print(each)
