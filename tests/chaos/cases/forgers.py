"""Who is not who they say they are, and who sends what should break us."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import get_args

import httpx

from evals.emulators.gmail.push import Bad
from evals.emulators.twilio.server import AUTH_TOKEN
from evals.emulators.twilio.webhooks import signature
from tests.chaos.scene import Scene, case

_DEEP = 150
_BIG = 25 * 1024 * 1024


@case(16)
async def webhooks_and_pushes_are_forged_and_replayed(scene: Scene) -> None:
    """Wrong signatures, a true one over another body, every bad token: nothing is stored; a replay is stored once."""
    twilio, talk = scene.outside.twilio, scene.outside.phone()
    before = await _messages(scene)
    (forged,) = await asyncio.to_thread(twilio.write, talk.address, "let me in", fault="forged")
    scene.expect(forged.status == 403, "a forged webhook is a 403")
    stolen = signature(AUTH_TOKEN, forged.url, forged.parameters)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            forged.url, data={**forged.parameters, "Body": "another"}, headers={"X-Twilio-Signature": stolen}
        )
    scene.expect(answer.status_code == 403, "a true signature over another body is a 403")
    for bad in get_args(Bad):
        attempt = await asyncio.to_thread(scene.outside.gmail.forge, bad)
        scene.expect(attempt.status in {401, 403}, f"a push with a token that is {bad} is refused ({attempt.status})")
        scene.happened()
    scene.expect(await _messages(scene) == before, "forgers store nothing")
    text = f"m{talk.number}-0"
    posted = (await asyncio.to_thread(twilio.write, talk.address, text, fault="replayed"))[0]
    said = talk.promise(posted, 0, text)
    scene.happened(3)
    await scene.outbox("sent", said)


@case(16)
async def bodies_are_huge_and_mails_are_bombs(scene: Scene) -> None:
    """25 MB at every webhook, a mail of 150 layers, zip bombs attached: kept or refused, and the product lives."""
    url, outside = f"http://127.0.0.1:{scene.stage.product.port}", scene.outside
    async with httpx.AsyncClient(trust_env=False, timeout=30.0) as client:
        for path in ("/v1/whatsapp/messages", "/v1/whatsapp/statuses", "/v1/gmail/push", "/v1/web/messages"):
            try:
                status = (await client.post(url + path, content=b"x" * _BIG)).status_code
            except httpx.TransportError:
                status = 413  # it hung up before we had sent it all, as it may
            scene.expect(status in {401, 403, 413, 422}, f"25 MB at {path} is refused ({status})")
            scene.happened()
    talk = outside.mail()
    head, _, body = talk.mail("here it comes", 0).as_bytes().partition(b"\n\n")
    kept = [line for line in head.split(b"\n") if not line.lower().startswith((b"content-", b"mime-"))]
    layers = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(_DEEP))
    bomb = b"\n".join(kept) + b"\nMIME-Version: 1.0\n" + layers + b"Content-Type: text/plain\n\n" + body
    await asyncio.to_thread(outside.gmail.mailbox.deliver, bomb)
    said = [talk.promise(talk.mail("", 0), 0, "")]
    scene.happened()
    zipped = outside.mail()
    mail = zipped.mail(f"m{zipped.number}-0 my files", 0)
    for name in ("once.zip", "twice.zip"):
        mail.add_attachment(_zip_bomb(twice=name == "twice.zip"), maintype="application", subtype="zip", filename=name)
    await asyncio.to_thread(outside.gmail.mailbox.deliver, mail.as_bytes())
    said.append(zipped.promise(mail, 0, ""))
    scene.happened()
    await scene.stored(*said)
    await scene.outbox("sent", await outside.mail().say(), await outside.phone().say())


def _zip_bomb(*, twice: bool) -> bytes:
    """A gigabyte in a megabyte, or that once more."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(4):
            with archive.open(f"{number}.txt", "w", force_zip64=True) as file:
                for _ in range(64):
                    file.write(bytes(1024 * 1024))
    if not twice:
        return content.getvalue()
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(16):
            archive.writestr(f"{number}.zip", content.getvalue())
    return outer.getvalue()


async def _messages(scene: Scene) -> int:
    return int(
        (await scene.stage.rows("select count(*) as n from messages where channel in ('email', 'whatsapp')"))[0]["n"]
    )
