"""Forms: one sentence per field, nothing unknown, nothing twice, and nothing typed is lost."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

import httpx2
import pytest
from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.web import kit
from web import forms, guards


class Reason(StrEnum):
    TWICE = "twice"
    LATER = "later"


class DisputeForm(forms.FormModel):
    order: str = Field(json_schema_extra={"missing": "Choose the order"})
    amount: str = Field(max_length=12, title="the amount")
    last4: str = ""
    reason: Reason
    bank: Literal["yes", "no"]
    charged_on: date | None = None
    copies: int = Field(1, ge=1, le=5)
    terms: bool = False
    cases: list[int] = []

    @field_validator("last4")
    @classmethod
    def _four_digits(cls, value: str) -> str:
        if value and not (len(value) == 4 and value.isdigit()):
            raise PydanticCustomError("last4", "Enter 4 digits, like 9876")
        return value

    @field_validator("amount")
    @classmethod
    def _not_everything(cls, value: str) -> str:
        if value == "all":
            raise ValueError("Enter a number, like 120.00")
        return value

    @model_validator(mode="after")
    def _together(self) -> "DisputeForm":
        if self.reason is Reason.LATER and self.charged_on is None:
            raise PydanticCustomError(
                "when", "Enter the day of the charge", {"field": "charged_on"}
            )
        if self.copies == 4:
            raise PydanticCustomError("four", "Four copies are not made")
        return self


class Plain(BaseModel):
    """Not one of ours: `bind` is as strict with it."""

    name: str


def _shown(form: forms.Form[Any]) -> Response:
    names = {name: [f.filename for f in files] for name, files in form.files.items()}
    data = form.data.model_dump(mode="json") if form.ok else None
    return JSONResponse(
        {
            "ok": form.ok,
            "errors": form.errors,
            "raw": form.raw,
            "data": data,
            "files": names,
            "lists": form.lists,
        }
    )


async def _post(request: Request[Any]) -> Response:
    return _shown(await forms.bind(request, DisputeForm, max_files=2))


async def _plain(request: Request[Any]) -> Response:
    return _shown(await forms.bind(request, Plain))


async def _query(request: Request[Any]) -> Response:
    return _shown(forms.query(request, Plain))


GOOD = {"order": "SO-10482", "amount": "120.00", "reason": "twice", "bank": "no"}


@pytest.fixture
def browser() -> httpx2.AsyncClient:
    return kit.browser(
        kit.make_app(
            [
                guards.route("POST", "/", _post, allow=guards.PUBLIC, max_body=200_000),
                guards.route("POST", "/plain", _plain, allow=guards.PUBLIC),
                guards.route("GET", "/query", _query, allow=guards.PUBLIC),
            ]
        )
    )


async def _answer(browser: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await browser.post("/", data=GOOD | fields)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.req("V15.3.5")
async def test_it_gives_the_checked_value(browser: httpx2.AsyncClient) -> None:
    more = {"charged_on": "2026-09-03", "copies": "2", "terms": "on", "cases": ["3", "7"]}
    answer = await _answer(browser, **more)
    assert answer["ok"] and answer["errors"] == {}
    assert answer["data"]["charged_on"] == "2026-09-03"
    assert (answer["data"]["copies"], answer["data"]["terms"]) == (2, True)
    assert answer["data"]["cases"] == [3, 7]


async def test_it_takes_blanks_off_and_knows_one_kind_of_line_end(
    browser: httpx2.AsyncClient,
) -> None:
    answer = await browser.post("/plain", data={"name": "  Harbor\r\nFitness \n"})
    assert answer.json()["data"] == {"name": "Harbor\nFitness"}


ERRORS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"order": ""}, {"order": "Choose the order"}),
    ({"order": "   "}, {"order": "Choose the order"}),
    ({"amount": ""}, {"amount": "Enter the amount"}),
    ({"amount": "x" * 13}, {"amount": "Shorten the amount to 12 characters or fewer"}),
    ({"amount": "all"}, {"amount": "Enter a number, like 120.00"}),
    ({"reason": ""}, {"reason": "Choose the reason"}),
    ({"reason": "because"}, {"reason": "Choose the reason"}),
    ({"bank": ""}, {"bank": "Choose the bank"}),
    ({"bank": "perhaps"}, {"bank": "Choose the bank"}),
    ({"last4": "12a"}, {"last4": "Enter 4 digits, like 9876"}),
    ({"copies": "many"}, {"copies": "Enter the copies as a whole number"}),
    ({"copies": "1.5"}, {"copies": "Enter the copies as a whole number"}),
    ({"copies": "0"}, {"copies": "Enter the copies of 1 or more"}),
    ({"copies": "6"}, {"copies": "Enter the copies of 5 or less"}),
    ({"copies": "4"}, {"form": "Four copies are not made"}),
    ({"charged_on": "soon"}, {"charged_on": "Enter the charged on as a date, like 2026-11-23"}),
    (
        {"charged_on": "2026-02-30"},
        {"charged_on": "Enter the charged on as a date, like 2026-11-23"},
    ),
    ({"reason": "later"}, {"charged_on": "Enter the day of the charge"}),
    ({"cases": "x"}, {"cases": "Enter the cases as a whole number"}),
    ({"amount": "1\x00"}, {"amount": "Take the invisible characters out of the amount"}),
    ({"amount": "1\x1b[31m"}, {"amount": "Take the invisible characters out of the amount"}),
    ({"amount": "", "order": ""}, {"amount": "Enter the amount", "order": "Choose the order"}),
]


@pytest.mark.req("V2.2.1", "V2.2.2")
@pytest.mark.parametrize(("fields", "errors"), ERRORS)
async def test_it_says_what_to_do_and_keeps_what_was_typed(
    browser: httpx2.AsyncClient, fields: dict[str, Any], errors: dict[str, str]
) -> None:
    answer = await _answer(browser, **fields)
    assert answer["errors"] == errors
    assert answer["data"] is None
    assert answer["raw"] == {k: v.strip() for k, v in (GOOD | fields).items()}


@pytest.mark.req("T14", "V15.3.3")
@pytest.mark.parametrize("path", ["/", "/plain"])
async def test_an_unknown_field_is_refused(browser: httpx2.AsyncClient, path: str) -> None:
    fields = (GOOD if path == "/" else {"name": "x"}) | {"is_manager": "1"}
    assert (await browser.post(path, data=fields)).status_code == 422


@pytest.mark.req("V15.3.7")
async def test_a_field_sent_twice_is_refused_unless_it_is_a_list(
    browser: httpx2.AsyncClient,
) -> None:
    twice = await browser.post("/", data=GOOD | {"amount": ["1", "1000"]})
    assert twice.status_code == 422
    assert (await _answer(browser, cases=["1", "2"]))["lists"] == {"cases": ["1", "2"]}


@pytest.mark.req("V3.5.2")
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "application/xml"])
async def test_only_forms_are_read(browser: httpx2.AsyncClient, kind: str) -> None:
    answer = await browser.post("/", content=b'{"order": 1}', headers={"content-type": kind})
    assert answer.status_code == 415


async def test_an_empty_post_is_an_empty_form(browser: httpx2.AsyncClient) -> None:
    answer = (await browser.post("/plain")).json()
    assert answer["errors"] == {"name": "Enter the name"}


async def test_files_come_by_field_and_empty_file_fields_do_not_count(
    browser: httpx2.AsyncClient,
) -> None:
    # By hand, as browsers send it: the client library leaves an empty file name out.
    names = [f'name="{k}"\r\n\r\n{v}' for k, v in GOOD.items()]
    names += [f'name="files"; filename="{f}"\r\n\r\n1' for f in ("a.pdf", "b.pdf", "")]
    body = "".join(f"--x\r\nContent-Disposition: form-data; {n}\r\n" for n in names) + "--x--\r\n"
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = (await browser.post("/", content=body.encode(), headers=kind)).json()
    assert answer["ok"] and answer["files"] == {"files": ["a.pdf", "b.pdf"]}


async def test_too_many_files_is_a_sentence_and_the_words_are_kept(
    browser: httpx2.AsyncClient,
) -> None:
    parts = [("files", (f"{n}.pdf", b"1")) for n in range(3)]
    answer = (await browser.post("/", data=GOOD, files=parts)).json()
    assert answer["errors"] == {"files": "Add 2 files at most"}
    assert answer["raw"] == GOOD
    plain = await browser.post("/plain", data={"name": "x"}, files=parts[:1])
    assert plain.json()["errors"] == {"files": "Files cannot be added here"}


@pytest.mark.req("T45")
async def test_far_too_many_parts_are_not_read(browser: httpx2.AsyncClient) -> None:
    many = [("files", (f"{n}.pdf", b"1")) for n in range(50)]
    assert (await browser.post("/", data=GOOD, files=many)).status_code == 400
    fields = {f"f{n}": "1" for n in range(300)}
    assert (await browser.post("/", data=fields)).status_code == 400


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"--x\r\n\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--",
    ],
)
async def test_a_broken_multipart_body_is_refused_not_an_error(
    browser: httpx2.AsyncClient, content: bytes
) -> None:
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = await browser.post("/", content=content, headers={"content-type": kind})
        assert answer.status_code in (200, 400)
        assert answer.status_code == 400 or answer.json()["errors"]


async def test_a_query_is_checked_too_and_strange_names_are_left_out(
    browser: httpx2.AsyncClient,
) -> None:
    assert (await browser.get("/query?name=Priya&utm=1")).json()["data"] == {"name": "Priya"}
    assert (await browser.get("/query")).json()["errors"] == {"name": "Enter the name"}
    assert (await browser.get("/query?name=a&name=b")).status_code == 422


def test_a_form_with_errors_gives_no_data() -> None:
    form = forms.failed({"amount": "9"}, {"amount": "Enter 5 or less"})
    assert not form.ok
    with pytest.raises(ValueError, match="show it again"):
        _ = form.data
    assert forms.blank(order="SO-1").raw == {"order": "SO-1"}


def test_the_domain_can_add_what_it_found_wrong() -> None:
    form = forms.Form({"name": "x"}, value=Plain(name="x"))
    again = form.failed({"name": "Taken"})
    assert form.ok and not again.ok
    assert again.errors == {"name": "Taken"}


class Aliased(BaseModel):
    from_day: Annotated[date, Field(alias="from", title="the first day")]


def test_a_field_may_have_another_name_on_the_page() -> None:
    form = forms._check({"from": ["x"]}, Aliased, {})
    assert form.errors == {"from": "Enter the first day as a date, like 2026-11-23"}
