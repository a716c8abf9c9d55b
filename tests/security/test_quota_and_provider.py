"""A customer's files have a bound over all requests; without the provider nobody new gets in."""

import httpx2
import pytest

from amends import clock, facts
from amends.flow import attachment
from amends.gateways import upload_verdict
from amends.models import Attachment, Case
from amends.rules.workflow import Status
from tests.backoffice import desk, scene
from tests.web import kit
from web import oidc

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.req("V5.2.4", "T45")
async def test_a_customer_sends_a_hundred_megabytes_a_day_over_all_requests() -> None:
    shop = await scene.harbor()
    first, second = await scene.submitted(shop), await scene.submitted(shop)
    await Attachment.create(
        case_id=first.id, name="a.pdf", content_type="application/pdf",
        size=upload_verdict.MAX_DAY_BYTES - 10, sha256="0" * 64, store_key="attachments/a",
        uploaded_by="account:1", at=clock.now(), removed_at=clock.now(),
    )  # fmt: skip
    accepted = await attachment.check([attachment.Upload("n.txt", "text/plain", b"Eleven more.")])
    async with attachment.stored(accepted) as kept:
        with pytest.raises(facts.InvalidInput, match="100 MB of files since yesterday"):
            await attachment.add(second, shop.priya, kept)
    assert await Attachment.filter(case_id=second.id).count() == 0


@pytest.mark.req("V16.5.2", "V16.5.3", "V6.8.4")
async def test_without_the_provider_readers_read_and_nobody_signs_in_or_decides() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, plan = await scene.proposed(shop, sam)
    app = desk.app()

    def gone(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("down", request=request)

    app.state.oidc = oidc.Provider(kit.settings(), httpx2.MockTransport(gone))
    dana = await desk.browser(await scene.staff("Dana Cole"), app, auth_time=desk.long_ago())

    for page in ("/queue", f"/cases/{case.ref}", f"/approvals/{case.ref}", "/refunds"):
        assert (await dana.get(page)).status_code == 200, page
    form = {"version": case.version, "plan": plan.version, "digest": plan.digest,
            "decision": "approve"}  # fmt: skip
    led = await dana.post(f"/approvals/{case.ref}", data=form)
    assert led.status_code == 303 and led.headers["location"].startswith("/sign-in/again")
    assert (await dana.get(led.headers["location"])).status_code == 503
    assert (await kit.browser(app).get("/sign-in")).status_code == 503
    assert (await Case.get(id=case.id)).status is Status.PROPOSED
