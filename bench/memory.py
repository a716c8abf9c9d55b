"""Resident memory of portal, desk and worker under load, and whether it grows.

`python -m bench.memory --minutes 60`: an hour of bounded load, so that it can run beside other
work. The load is a rate, not as much as fits: memory is looked at, not speed.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import cycle
from pathlib import Path

import aiohttp

from bench import processes, proxy, scale
from bench.result import Result
from bench.worker import Scene, scene
from web.doors import Door

MOST_MB = 150.0
# Megabytes an hour, read off the second half of the run: the first fills caches and pools.
MOST_GROWTH = 20.0
QUICK_MINUTES, WHOLE_MINUTES = 0.4, 5.0
TOLD_MINUTES = (10, 30, 60)
_EVERY_S = 2.0
# What only development brings is hidden from the processes that are measured.
_AS_INSTALLED = Path(__file__).with_name("as_installed")
_PLANS, _PLANS_EVERY_S = 3, 6.0
_PAGES_A_SECOND = 4
Points = Sequence[tuple[float, float]]


async def run(quick: bool) -> list[Result]:
    return await measured(QUICK_MINUTES if quick else WHOLE_MINUTES)


async def measured(minutes: float) -> list[Result]:
    async with AsyncExitStack() as stack:
        portal = await stack.enter_async_context(proxy.listening())
        desk = await stack.enter_async_context(proxy.listening())
        stage = await stack.enter_async_context(scene(portal.url))
        env = stage.env | {"AMENDS_PORTAL_URL": portal.url, "AMENDS_BACKOFFICE_URL": desk.url}
        env["PYTHONPATH"] = str(_AS_INSTALLED)
        await stage.ask(f"cases/{int(minutes * 60 / _PLANS_EVERY_S + 2) * _PLANS}/1")
        children = [
            await scale.door(stack, stage, env, "portal", 0, portal),
            await scale.door(stack, stage, env, "backoffice", 0, desk),
            await scale.worker(stack, stage, env, 0),
        ]
        seen = await _loaded(stage, children, {Door.PORTAL: portal.url, Door.DESK: desk.url},
                             minutes)  # fmt: skip
        return [result for name, points in seen.items() for result in _told(name, points, minutes)]


async def _loaded(
    stage: Scene, children: Sequence[processes.Child], doors: Mapping[Door, str], minutes: float
) -> dict[str, list[tuple[float, float]]]:
    names = ("portal", "desk", "worker")
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    cookies, until = await scale.sign_in(stage), time.monotonic() + minutes * 60
    pages = scale.pages(stage)
    async with asyncio.TaskGroup() as group:
        for door, url in doors.items():
            addresses = [url + path for path in pages[door]]
            group.create_task(_until(until, _reading(addresses, cookies[door])))
        group.create_task(_until(until, lambda: _plans(stage)))
        group.create_task(
            _until(until, lambda: _look(dict(zip(names, children, strict=True)), seen))
        )
    return seen


async def _until(end: float, step: Callable[[], Awaitable[None]]) -> None:
    while time.monotonic() < end:
        await step()


def _reading(addresses: Sequence[str], cookie: str) -> Callable[[], Awaitable[None]]:
    """One page after the other, at a steady rate; a connection serves some, as a browser's does."""
    turn = cycle(addresses)

    async def read() -> None:
        async with aiohttp.ClientSession(headers={"cookie": cookie}) as http:
            for _ in range(12):
                url = next(turn)
                async with http.get(url, allow_redirects=False) as answer:
                    assert answer.status == 200, f"{url}: {answer.status}"
                    await answer.read()
                await asyncio.sleep(1 / _PAGES_A_SECOND)

    return read


async def _plans(stage: Scene) -> None:
    await stage.ask(f"go/{_PLANS}")
    await asyncio.sleep(_PLANS_EVERY_S)


async def _look(
    children: Mapping[str, processes.Child], seen: Mapping[str, list[tuple[float, float]]]
) -> None:
    for name, child in children.items():
        seen[name].append((time.monotonic(), processes.rss_mb(child.pid)))
    await asyncio.sleep(_EVERY_S)


def _told(name: str, points: Points, minutes: float) -> list[Result]:
    most, growth = max(each for _, each in points), slope(points[len(points) // 2 :]) * 3600
    print(f"{name}: {points[0][1]:.0f} MB at first, {most:.0f} at most, {growth:+.1f} MB an hour")
    n = len(points)
    told = [Result(f"{name}, memory at most in {minutes:g} minutes", round(most, 1), n,
                   target=MOST_MB, unit="MB")]  # fmt: skip
    told += [
        Result(f"{name}, memory after {mark} minutes", round(after(points, mark), 1), 1, unit="MB")
        for mark in TOLD_MINUTES
        if mark <= minutes
    ]
    if minutes < WHOLE_MINUTES:
        return told  # caches still fill: that says nothing of growth
    return [*told, Result(f"{name}, growth in {minutes:g} minutes", round(growth, 1), n,
                          target=MOST_GROWTH, unit="MB an hour")]  # fmt: skip


def after(points: Points, minutes: float) -> float:
    """The last look that was not later than so many minutes after the first."""
    end = points[0][0] + minutes * 60
    return [mb for at, mb in points if at <= end][-1]


def slope(points: Points) -> float:
    """Least squares: megabytes a second."""
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    above = sum((at - middle[0]) * (mb - middle[1]) for at, mb in points)
    below = sum((at - middle[0]) ** 2 for at, _ in points)
    return above / below if below else 0.0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=WHOLE_MINUTES)
    for each in asyncio.run(measured(parser.parse_args().minutes)):
        print(each, flush=True)


if __name__ == "__main__":
    main()
